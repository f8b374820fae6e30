package pack

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/newfile"
)

// Destination names the place to which an image or a part of it is written, for error messages.
// A full disk is not the fault of an entry.
type Destination struct {
	Name string // of the image, or a description
	Hint string // hint for a full destination, or ""
}

// DestinationOf returns the destination of an image that is written to w.
func DestinationOf(w io.Writer) Destination {
	f, ok := w.(interface{ Name() string })
	switch {
	case !ok:
		return Destination{Name: "the image"}
	case f.Name() == os.Stdout.Name():
		return Destination{Name: "standard output"}
	}
	return Destination{Name: f.Name()}
}

// CheckWriter returns an error if there is no writer.
func CheckWriter(w io.Writer) error {
	if v := reflect.ValueOf(w); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return errors.New("write the image: no writer is given")
	}
	return nil
}

// To returns a writer to w that names the destination in its errors.
func (d Destination) To(w io.Writer) io.Writer { return destined{w, d} }

// Fail returns an error of the destination, of type *[WriteError].
func (d Destination) Fail(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		err = e.Err
	}
	return &WriteError{d, err}
}

type destined struct {
	io.Writer
	to Destination
}

func (d destined) Write(p []byte) (int, error) {
	n, err := d.Writer.Write(p)
	if err != nil {
		err = d.to.Fail(err)
	}
	return n, err
}

// TempDir is a directory for temporary files.
type TempDir struct {
	Dir    string // "" is os.TempDir()
	Beside string // the image in this directory, whose name the user knows, or ""
}

// TempDirFor returns the directory for the temporary files of the image at path: dir, or that of
// the image if dir is "".
func TempDirFor(dir, path string) TempDir {
	if dir != "" {
		return TempDir{Dir: dir}
	}
	return TempDir{Dir: filepath.Dir(path), Beside: path}
}

// NameWarning returns a warning for an image of several segments that is named like one
// compressed archive, else "".
func NameWarning(path string, segments int) string {
	c := compress.Named(path)
	if segments < 2 || c == nil || !strings.HasSuffix(path, ".cpio"+c.Suffix) {
		return ""
	}
	return fmt.Sprintf("%s: is named as one compressed archive, and has %d segments: most tools unpack the first only\n"+
		"  write output: {layout: stream}, or name it .img", path, segments)
}

// Holding returns the destination of a temporary file, by its content.
func (t TempDir) Holding(what string) Destination {
	switch {
	case t.Beside != "":
		return Destination{Name: t.Beside}
	case t.Dir != "":
		return Destination{Name: what + " in " + t.Dir}
	}
	return Destination{Name: what + " in " + os.TempDir(), Hint: "TMPDIR names the directory for that"}
}

// Create returns a new, nameless file in the directory. what describes its content.
func (t TempDir) Create(what string) (*os.File, error) {
	f, err := newfile.Temp(t.Dir)
	if err != nil {
		return nil, t.Holding(what).Fail(err)
	}
	return f, nil
}

// WriteError is an error of a destination.
type WriteError struct {
	To    Destination
	Cause error
}

func (e *WriteError) Error() string {
	text := fmt.Sprintf("write %s: %v", e.To.Name, e.Cause)
	if e.To.Hint != "" {
		text += "\n  " + e.To.Hint
	}
	return text
}

func (e *WriteError) Unwrap() error { return e.Cause }

// ofEntry adds an entry to an error, unless the entry is not at fault.
func ofEntry(e *plan.Entry, err error) error {
	if w := (*WriteError)(nil); errors.As(err, &w) {
		return w
	}
	return plan.Errors{{Origin: e.Origin, Path: e.Path, Msg: err.Error(), Cause: err}}
}
