package image

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

const maxLinks = 40 // that are followed for one name, as in the kernel

// Files are the files of the root that an image brings up.
type Files struct {
	image   io.Reader
	entries map[string]*Entry // by path
	content map[int64]int64   // by Entry.file: the number of the entry that has the content
}

// ReadFiles reads the image r, which has to be a file of known size: it is read again
// for every file that is asked for.
func ReadFiles(r io.Reader) (*Files, error) {
	if asFile(r) == nil {
		if _, err := r.Read(make([]byte, 1)); err == io.EOF {
			return nil, errNoArchive
		}
		return nil, errors.New("not a file that can be read twice")
	}
	w := &walker{info: &Info{}}
	root, _, err := w.root(r)
	if err != nil {
		return nil, err
	}
	f := &Files{r, map[string]*Entry{}, map[int64]int64{}}
	for i := range root {
		e := &root[i]
		f.entries[e.Path()] = e
		if _, ok := f.content[e.file]; !ok || e.Size > 0 {
			f.content[e.file] = e.number
		}
	}
	return f, nil
}

// Copy writes the content of a regular file to w. Links in its path are followed as
// they are once the root is up. Errors are *fs.PathError, except those of w and of the
// image.
func (f *Files) Copy(w io.Writer, name string) error {
	e, err := f.find(name)
	if err == nil && e.Mode&cpio.TypeMask == cpio.TypeDir {
		err = syscall.EISDIR
	}
	if err == nil && e.Mode&cpio.TypeMask != cpio.TypeFile {
		err = errors.New("not a regular file")
	}
	if err != nil {
		return &fs.PathError{Op: "read", Path: name, Err: err}
	}
	number := f.content[e.file]
	found := errors.New("found")
	_, err = Walk(f.image, func(e *Entry, body io.Reader) error {
		if e.number != number {
			return nil
		}
		if _, err := io.Copy(w, body); err != nil {
			return err
		}
		return found
	})
	if err == found {
		err = nil
	}
	return err
}

// find returns the entry at a path, symbolic links followed.
func (f *Files) find(name string) (*Entry, error) {
	at, left := "/", name
	for links := 0; left != ""; {
		var part string
		part, left, _ = strings.Cut(left, "/")
		next := path.Join(at, part)
		e := f.entries[next]
		if e == nil || e.Mode&cpio.TypeMask != cpio.TypeLink {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return nil, syscall.ELOOP
		}
		if strings.HasPrefix(e.Link, "/") {
			at = "/"
		}
		left = e.Link + "/" + left
	}
	if e := f.entries[at]; e != nil {
		return e, nil
	}
	return nil, fs.ErrNotExist
}
