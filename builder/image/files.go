package image

import (
	"errors"
	"io"
	"io/fs"
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/follow"
)

// Files are the files of the root that an image brings up.
type Files struct {
	// Findings say what of the image does not arrive as it was written.
	Findings Findings

	image   io.Reader
	entries map[string]*Entry // by path
	plan    []byte            // the boot plan as text
	packed  bool              // members are compressed, so that one is read whole for a file in it
}

// ReadFiles reads the image r, which has to be a file of known size: it is read again
// for every file that is asked for. For an image that cannot be read to its end, it
// returns the files before that and the error.
func ReadFiles(r io.Reader) (*Files, error) {
	if asFile(r) == nil {
		if _, err := r.Read(make([]byte, 1)); err == io.EOF {
			return nil, errNoArchive
		}
		return nil, errors.New("not a file that can be read twice")
	}
	w := &walker{info: &Info{}}
	root, _, err := w.root(r)
	settled := w.settle(root)
	f := &Files{Findings: w.info.Findings, image: r, plan: w.info.Plan, entries: map[string]*Entry{}}
	if p, err := bootplan.Parse(w.info.Plan); err == nil {
		f.packed = p.Payload != compress.None
	}
	for i := range settled {
		f.entries[settled[i].Path()] = &settled[i]
	}
	return f, err
}

// Empty reports whether the image brings up nothing.
func (f *Files) Empty() bool { return len(f.entries) == 0 }

// Copy writes the content of a regular file to w. Links in its path are followed as
// they are once the root is up. Errors are *fs.PathError, except those of w and of the
// image.
func (f *Files) Copy(w io.Writer, name string) error {
	e, err := f.find(name)
	if err == nil && e.Type() == cpio.TypeDir {
		err = syscall.EISDIR
	}
	if err == nil && e.Type() != cpio.TypeFile {
		err = errors.New("not a regular file")
	}
	if err != nil {
		return &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return f.copy(w, e)
}

// copy writes the content of an entry, and then reads on to the end of its member, if
// that tells whether it is damaged.
func (f *Files) copy(out io.Writer, e *Entry) error {
	done, member := errors.New("done"), ""
	w := &walker{info: &Info{}}
	w.whole.sums, w.whole.only = f.packed && e.Member != "", e.Member
	found := false
	w.visit = func(at *Entry, body io.Reader) error {
		switch {
		case found && (!w.whole.sums || at.Member != member):
			return done
		case found || at.number != e.content:
			return nil
		}
		found, member = true, at.Member
		_, err := io.Copy(out, body)
		if err == nil && !w.whole.sums {
			err = done
		}
		return err
	}
	err := w.image(f.image)
	if err == done {
		err = nil
		if w.whole.sums {
			err = w.whole.compareOnly(f.plan)
		}
	}
	return err
}

// find returns the entry at a path, symbolic links followed.
func (f *Files) find(name string) (*Entry, error) {
	place, err := follow.Walk(name, f.look)
	if err != nil {
		return nil, err
	}
	if e := f.entries[place]; e != nil {
		return e, nil
	}
	return nil, fs.ErrNotExist
}

// look is a [follow.Look].
func (f *Files) look(place string, _ bool) (target string, link bool, err error) {
	e := f.entries[place]
	if e == nil || e.Type() != cpio.TypeLink {
		return "", false, nil
	}
	return e.Link, true, nil
}

// directory returns where a path leads, and the links on the way. A path that leads nowhere
// stays as it is.
func (f *Files) directory(name string) (place string, links []string) {
	place, err := follow.Walk(name, func(place string, linked bool) (string, bool, error) {
		target, link, err := f.look(place, linked)
		if link {
			links = append(links, place)
		}
		return target, link, err
	})
	if err != nil {
		return name, nil
	}
	return place, links
}
