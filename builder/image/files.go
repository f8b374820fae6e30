package image

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/follow"
)

// Files are the files in the root of an image.
type Files struct {
	// Findings name the parts of the image that do not arrive as they were written.
	Findings Findings

	image   io.Reader
	entries map[string]*Entry // by path
	plan    []byte            // the boot plan as text
	packed  bool              // members are compressed, so that one is read whole for a file in it
}

// ReadFiles reads the image r, which must be a file of known size, because Copy reads it again
// for every file. For an image that cannot be read to its end, it returns the files before
// that place and the error.
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

// Empty reports whether the root has no entries.
func (f *Files) Empty() bool { return len(f.entries) == 0 }

// Missing is for a path that the root does not have. It returns the place that the path leads to,
// through links, and two lists of suggestions: files in the same directory, and files of the same
// name elsewhere. Both are sorted and hold no directories.
func (f *Files) Missing(name string) (place string, beside, elsewhere []string) {
	place, _ = f.directory(name)
	place = path.Join("/", place)
	for at, e := range f.entries {
		switch {
		case e.Type() == cpio.TypeDir:
		case path.Dir(at) == path.Dir(place):
			beside = append(beside, path.Base(at))
		case path.Base(at) == path.Base(place):
			elsewhere = append(elsewhere, at)
		}
	}
	slices.Sort(beside)
	slices.Sort(elsewhere)
	return place, beside, elsewhere
}

// Copy writes the content of a regular file to w. It follows links in the path as a booted
// root would. Errors are *fs.PathError, except those of w and of the image.
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

// copy writes the content of an entry. It then reads to the end of the member if only that
// shows damage.
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

// find returns the entry at a path and follows symbolic links.
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

// directory returns the target of a path, and the links on the way. A path that leads nowhere
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
