package builder

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// content is where the content of a file lies, which the plan says of the first of
// its names alone.
func (b *build) content(e *plan.Entry) plan.Data {
	first := slices.IndexFunc(b.entries, func(other *plan.Entry) bool { return other.Ino == e.Ino })
	return b.entries[first].Data
}

// body is a file of the root that is open.
type body struct {
	*io.SectionReader
	io.Closer
}

// open opens a file of the root.
func (b *build) open(e *plan.Entry) (body, error) {
	d := b.content(e)
	switch {
	case d.Path != "":
		f, err := os.Open(d.Path)
		return body{io.NewSectionReader(f, 0, e.Size), f}, err
	case d.At == nil:
		d.At = bytes.NewReader(nil)
	}
	return body{io.NewSectionReader(d.At, d.Offset, e.Size), io.NopCloser(nil)}, nil
}

// read reads the file of the root that a path leads to.
func (b *build) read(path string) ([]byte, error) {
	e := plan.Find(b.entries, path)
	if e == nil || !e.IsFile() {
		return nil, &fs.PathError{Op: "read in the root", Path: path, Err: fs.ErrNotExist}
	}
	file, err := b.open(e)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}
