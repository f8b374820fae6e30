package builder

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// destination passes on what is written, and names where to in its errors. When a disk is
// full no entry of the root is at fault.
type destination struct {
	io.Writer
	name string // of the image, or words for it
	hint string // what to do when it takes no more, or ""
}

func (d destination) Write(p []byte) (int, error) {
	n, err := d.Writer.Write(p)
	if err != nil {
		err = d.fail(err)
	}
	return n, err
}

// fail is an error of the destination.
func (d destination) fail(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		err = e.Err
	}
	return &writeError{d.name, d.hint, err}
}

// writeError is what a destination says.
type writeError struct {
	name, hint string
	cause      error
}

func (e *writeError) Error() string {
	text := fmt.Sprintf("write %s: %v", e.name, e.cause)
	if e.hint != "" {
		text += "\n  " + e.hint
	}
	return text
}

func (e *writeError) Unwrap() error { return e.cause }

// imageTo is the destination of an image that is written to w.
func imageTo(w io.Writer) destination {
	name := "the image"
	if f, ok := w.(*os.File); ok {
		if name = f.Name(); name == os.Stdout.Name() {
			name = "standard output"
		}
	}
	return destination{Writer: w, name: name}
}

// spoolTo is the destination of the packed payload while it grows. Beside an image that is
// a file nobody has asked for another one.
func (b *build) spoolTo(w io.Writer) destination {
	switch {
	case b.beside != "":
		return destination{Writer: w, name: b.beside}
	case b.options.TempDir != "":
		return destination{Writer: w, name: "the packed root in " + b.options.TempDir}
	}
	return destination{w, "the packed root in " + os.TempDir(), "TMPDIR names the directory for that"}
}

// ofEntry is an error with an entry, unless the entry is not at fault.
func ofEntry(e *plan.Entry, err error) error {
	if w := (*writeError)(nil); errors.As(err, &w) {
		return w
	}
	return plan.Errors{{Origin: e.Origin, Path: e.Path, Msg: err.Error(), Cause: err}}
}
