package image

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// Parts are the contents of an image, as the boot takes them apart.
type Parts struct {
	Root []Entry // as [List] returns them

	// Beside are the entries that only serve the boot, by path: the stub, device nodes for it,
	// early files. The boot plan, members and other parts of the format are not among them.
	Beside []Entry

	Early Early // its entries are in Root, or Beside it if the root is unpacked by the stub
	Info  *Info

	// BootConfig is the SHA-256 of the boot configuration behind the image, zero for none.
	BootConfig [sha256.Size]byte
}

// ReadParts reads the image r to its end, and compares all sums that the image has. r must be
// a file, so that [Contents] can read it again.
func ReadParts(ctx context.Context, r io.Reader) (*Parts, error) {
	w := &walker{info: &Info{}}
	w.whole.sums = true
	var early earlyFinder
	w.visit = func(e *Entry, _ io.Reader) error {
		early.add(e)
		return context.Cause(ctx)
	}
	root, beside, err := w.root(r)
	p := &Parts{Info: w.info}
	if err != nil {
		return p, err
	}
	p.Early, p.Root = early.found(w.info), w.settle(root)
	w.attribute(p.Root)
	beside = slices.DeleteFunc(beside, func(e Entry) bool { return ofFormat(e.Path()) })
	p.Beside = (&walker{info: &Info{}}).settle(beside)
	if n := w.info.BootConfig; n > 0 && w.file != nil {
		h := sha256.New()
		_, err = io.Copy(h, io.NewSectionReader(w.file, w.file.begin+w.file.size, n))
		h.Sum(p.BootConfig[:0])
	}
	return p, err
}

// ofFormat reports whether a path belongs to the format of our images.
func ofFormat(at string) bool {
	switch at {
	case "/" + bootplan.Dir, "/" + bootplan.Path, "/" + bootplan.Xattrs, "/" + bootplan.Kmsg, "/" + bootplan.EndName(0):
		return true
	}
	return strings.HasPrefix(at, "/"+bootplan.EndName(0)+"/")
}

// Contents calls visit with the contents of files, in the order of the image r, which must be
// a file. The keys of want are the [Entry.Content] of each. An error of visit ends the reading.
func Contents(ctx context.Context, r io.Reader, want map[int64]bool, visit func(content int64, body io.Reader) error) error {
	left := len(want)
	if left == 0 {
		return nil
	}
	done := errors.New("done")
	_, err := Walk(r, func(e *Entry, body io.Reader) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !want[e.number] {
			return nil
		}
		if err := visit(e.number, body); err != nil {
			return err
		}
		if left--; left == 0 {
			return done
		}
		return nil
	})
	if err == done {
		return nil
	}
	return err
}
