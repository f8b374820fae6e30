package image

import (
	"errors"
	"fmt"
	"io"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/compress"
)

// entryReader is a newc archive that is read entry by entry: strictly, as the stub reads
// members, or as the kernel reads segments.
type entryReader interface {
	// Next skips the rest of an entry and returns the following one, which is valid until the
	// next call, or io.EOF behind the last.
	Next() (*cpio.Header, error)
	io.Reader
	io.WriterTo
	Offset() int64 // bytes of the archive that have been read
}

// archive walks one archive. It begins at the offset at of the image, or at is -1.
func (w *walker) archive(r *skipReader, s *Segment, at int64) error {
	base := s.Unpacked
	if w.member != "" {
		a := cpio.NewReader(r)
		var links hardLinks
		err := w.walk(a, s, at, &links, func(e *Entry, _ *entryBody) {
			e.begin = base + a.Offset() - cpio.EntrySize(e.Name, 0)
			e.end = e.begin + cpio.EntrySize(e.Name, e.Size)
		})
		s.Unpacked += a.Offset()
		return err
	}
	u := &unpacker{r: r, raw: s.Codec == compress.None, base: base, report: func(r *rule, f Finding) {
		f.Segment = s.Index
		w.report(r, f)
	}}
	if u.raw {
		u.base = s.Offset
	}
	err := w.walk(u, s, at, &w.links, func(e *Entry, b *entryBody) {
		e.begin, e.end = base+u.head, base+u.end
		e.Link, b.summed = u.target, u.summed
		w.checks.entry(u.summed)
	})
	if s.Trailer = u.trailed; s.Trailer {
		w.began = true
		clear(w.links)
	}
	if u.raw {
		s.Unpacked = u.end // without the zeros that follow
	} else {
		s.Unpacked += u.offset
	}
	return err
}

// walk visits the entries of an archive. It calls complete for each entry to set what only the
// reader of the archive knows: where the entry lies, and how its body is read.
func (w *walker) walk(a entryReader, s *Segment, at int64, links *hardLinks, complete func(*Entry, *entryBody)) error {
	b := &entryBody{archive: a, begin: s.Unpacked, at: at, file: w.file}
	var e Entry
	for {
		h, err := a.Next()
		w.began = w.began || err == nil
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return damaged(err)
		}
		s.Entries++
		w.entries++
		first, file := links.find(h, w.entries)
		e = Entry{Header: *h, Segment: s.Index, Member: w.member, HardLinkOf: first, number: w.entries, file: file}
		if e.Type() == cpio.TypeLink {
			e.Mode = cpio.TypeLink | 0o777 // which all have
		}
		b.size, b.taken = h.Size, false
		complete(&e, b)
		if w.text += int64(len(e.Name) + len(e.Link)); w.text > maxText+w.entries*textShare {
			return fmt.Errorf("the names of its %d entries take more than %d MiB, which no root needs", w.entries, w.text>>20)
		}
		if err := w.entry(&e, b); err != nil {
			return err
		}
	}
}

// Names and link targets are bounded, so that reading any image takes at most 64 MiB and 1 KiB
// an entry.
const (
	maxText   = 4 << 20
	textShare = 256 // bytes more for each entry
)

// damaged marks an error as damage of the archive, unless the archive was cut.
func damaged(err error) error {
	var fault *cpio.Error
	if errors.As(err, &fault) && fault.Msg != cpio.Cut {
		return fmt.Errorf("damaged archive: %w", err)
	}
	return err
}

func pad4(n int64) int64 { return (n + 3) &^ 3 }
