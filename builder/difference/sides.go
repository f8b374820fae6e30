package difference

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/image"
)

// Side is one of two things to compare.
type Side struct {
	Name   string
	Kind   Kind
	Root   []Entry        // sorted by path
	Beside []Entry        // of an image: what only serves the boot
	Plan   *bootplan.Plan // of an image or manifest; nil for none
	Image  *image.Info    // of an image
	Notes  []string       // what the side cannot tell

	// Unowned says that a user other than root reads a directory, and is likely to have made it.
	// Then its owners are not those of any root.
	Unowned bool

	facts []Fact          // about an image
	early map[string]bool // paths that its early archives have

	// contents calls visit for the contents with these numbers, which lie in the root or beside
	// it, in any order.
	contents func(ctx context.Context, want map[int64]bool, visit func(content int64, body io.Reader) error) error
}

// Kind is the kind of a side.
type Kind string

// Kinds of sides.
const (
	Image     Kind = "image"
	Manifest  Kind = "manifest"
	Directory Kind = "directory"
)

// Result is the result of a comparison.
type Result struct {
	Plan    []FactChange // between the boot plans
	Image   []FactChange // between the images as such
	Root    []Change
	Beside  []Change
	Counts  Counts   // of the root
	Skipped []string // what was not compared, in words
}

// Same reports whether the comparison found no difference.
func (r *Result) Same() bool {
	return len(r.Plan) == 0 && len(r.Image) == 0 && len(r.Root) == 0 && len(r.Beside) == 0
}

// Of compares two sides. It leaves out what is in ignore, names from [Ignorable].
func Of(ctx context.Context, a, b *Side, ignore map[string]bool) (*Result, error) {
	r := &Result{Skipped: slices.Concat(a.Notes, b.Notes)}
	switch {
	case len(a.early) > 0 && b.Kind == Manifest:
		a.Root = a.withoutEarly(b.Root)
	case len(b.early) > 0 && a.Kind == Manifest:
		b.Root = b.withoutEarly(a.Root)
	}
	if a.Kind != b.Kind && (a.Unowned || b.Unowned) {
		disown(a)
		disown(b)
		r.Skipped = append(r.Skipped, "owners, because only root can make them in a directory")
	}
	if !ignore[Content] {
		if err := readSums(ctx, a, b, ignore); err != nil {
			return nil, err
		}
	}
	r.Root, r.Counts = Entries(a.Root, b.Root, ignore)
	if a.Kind != Directory && b.Kind != Directory && !ignore[Plan] {
		r.Plan = plans(a.Plan, b.Plan)
	}
	if a.Kind == Image && b.Kind == Image {
		if !ignore[Beside] {
			r.Beside, _ = Entries(a.Beside, b.Beside, ignore)
		}
		if !ignore[Segments] {
			r.Image = Facts(a.facts, b.facts)
		}
	}
	r.Skipped = append(r.Skipped, lacking(a, b)...)
	return r, nil
}

// disown forgets the owners of a side if they are accidental.
func disown(s *Side) {
	for i := range s.Root {
		s.Root[i].NoOwner = s.Root[i].NoOwner || s.Unowned
	}
}

// lacking names the parts that only an image or a manifest has.
func lacking(a, b *Side) []string {
	switch {
	case a.Kind == Directory && b.Kind == Directory:
		return nil // there is nothing else
	case a.Kind == Directory || b.Kind == Directory:
		return []string{"the boot plan, the stub and the segments, which a directory does not have"}
	case a.Kind == Manifest || b.Kind == Manifest:
		return []string{"the stub, early files and the segments, which a manifest does not have before it is built"}
	}
	return nil
}

// readSums reads the contents of files that have the same size on both sides.
func readSums(ctx context.Context, a, b *Side, ignore map[string]bool) error {
	wantA, wantB := map[int64]bool{}, map[int64]bool{}
	parts := [][2][]Entry{{a.Root, b.Root}}
	if !ignore[Beside] && a.Kind == Image && b.Kind == Image {
		parts = append(parts, [2][]Entry{a.Beside, b.Beside})
	}
	for _, part := range parts {
		for x, y := range pairs(part[0], part[1]) {
			if x != nil && y != nil && isFile(x) && isFile(y) && x.Size == y.Size && x.Size > 0 {
				wantA[x.content], wantB[y.content] = true, true
			}
		}
	}
	var group sync.WaitGroup
	var errA, errB error
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group.Add(2)
	go func() {
		defer group.Done()
		if errA = a.sum(ctx, wantA); errA != nil {
			cancel()
		}
	}()
	go func() {
		defer group.Done()
		if errB = b.sum(ctx, wantB); errB != nil {
			cancel()
		}
	}()
	group.Wait()
	if errors.Is(errA, context.Canceled) {
		return cmp.Or(errB, errA)
	}
	return cmp.Or(errA, errB)
}

// sum sets the Sum of the entries with these contents.
func (s *Side) sum(ctx context.Context, want map[int64]bool) error {
	sums := make(map[int64][sha256.Size]byte, len(want))
	buf := make([]byte, 128<<10)
	err := s.contents(ctx, want, func(content int64, body io.Reader) error {
		h := sha256.New()
		if _, err := io.CopyBuffer(h, struct{ io.Reader }{body}, buf); err != nil {
			return err
		}
		sums[content] = [sha256.Size]byte(h.Sum(nil))
		return nil
	})
	if err == nil && len(sums) < len(want) {
		err = fmt.Errorf("%d files are not where they were", len(want)-len(sums))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	for _, part := range [][]Entry{s.Root, s.Beside} {
		for i := range part {
			if e := &part[i]; isFile(e) {
				e.Sum = sums[e.content]
			}
		}
	}
	return nil
}
