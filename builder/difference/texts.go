package difference

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"unicode"
	"unicode/utf8"
)

// MaxText is the largest file in bytes whose content [Texts] returns.
const MaxText = 1 << 20

// Texts are contents of changed files, stored in one file.
type Texts struct {
	file *os.File
	size int64
	a, b map[int64]extent
}

type extent struct{ offset, size int64 }

// Why a content is not among the texts.
var (
	ErrLarge   = fmt.Errorf("more than %d MiB", MaxText>>20)
	ErrNotText = errors.New("not text")
)

// ReadTexts reads the contents of files that changed, came or went into a file. Both sides
// must be those of the changes.
func ReadTexts(ctx context.Context, file *os.File, a, b *Side, changes []Change) (*Texts, error) {
	t := &Texts{file: file, a: map[int64]extent{}, b: map[int64]extent{}}
	wantA, wantB := map[int64]bool{}, map[int64]bool{}
	for i := range changes {
		c := &changes[i]
		if !c.HasContent() {
			continue
		}
		want(wantA, c.A)
		want(wantB, c.B)
	}
	if err := t.read(ctx, a, wantA, t.a); err != nil {
		return nil, err
	}
	return t, t.read(ctx, b, wantB, t.b)
}

// HasContent reports whether the content of a file is part of the change. If a file has several
// paths, only one change has its content.
func (c *Change) HasContent() bool {
	if c.A == nil || c.B == nil {
		e := cmp.Or(c.A, c.B)
		return isFile(e) && e.Size > 0 && e.HardLinkOf == ""
	}
	elsewhere := c.LinkA == c.LinkB && c.LinkA != ""
	return !elsewhere && slices.Contains(c.Attributes, Attribute{Name: Content})
}

func want(contents map[int64]bool, e *Entry) {
	if e != nil && e.Size > 0 && e.Size <= MaxText {
		contents[e.content] = true
	}
}

func (t *Texts) read(ctx context.Context, s *Side, want map[int64]bool, extents map[int64]extent) error {
	err := s.contents(ctx, want, func(content int64, body io.Reader) error {
		n, err := io.Copy(t.file, io.LimitReader(body, MaxText))
		extents[content] = extent{t.size, n}
		t.size += n
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	return nil
}

// Of returns the contents of a changed file, nil for a side that lacks it. The error is
// [ErrLarge] or [ErrNotText] if one of them is not a text for a terminal.
func (t *Texts) Of(c *Change) (a, b []byte, err error) {
	if a, err = t.of(t.a, c.A); err == nil {
		b, err = t.of(t.b, c.B)
	}
	return a, b, err
}

func (t *Texts) of(extents map[int64]extent, e *Entry) ([]byte, error) {
	if e == nil || e.Size == 0 {
		return nil, nil
	}
	if e.Size > MaxText {
		return nil, ErrLarge
	}
	x := extents[e.content]
	text := make([]byte, x.size)
	if _, err := t.file.ReadAt(text, x.offset); err != nil {
		return nil, err
	}
	if !isText(text) {
		return nil, ErrNotText
	}
	return text, nil
}

// isText reports whether a content is UTF-8 without characters that control a terminal. A
// carriage return stands at the end of a line only.
func isText(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		b = b[n:]
		switch {
		case r == utf8.RuneError && n == 1:
			return false
		case r == '\t', r == '\n', r == '\f', r == '\r' && len(b) > 0 && b[0] == '\n':
		case unicode.IsControl(r):
			return false
		}
	}
	return true
}
