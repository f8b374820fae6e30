//go:build linux

package image

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/stub/unpack"
)

// add makes an entry, and changes its name to that of its place. A body that was not
// read can be asked for again.
func (x *Extraction) add(h *cpio.Header, body func() io.WriterTo) error {
	err := x.make(h, body())
	if errors.Is(err, unix.ENOENT) && x.Parents {
		if x.makeFolders(path.Dir(h.Name), h.MTime) == nil {
			err = x.make(h, body())
		}
	}
	again := false
	first, linked := x.first[fileOf(h)]
	if errors.Is(err, unix.EEXIST) {
		if linked && first == h.Name {
			return x.addContent(h, body())
		}
		if again, err = x.makeWay(h); err == nil && !again {
			err = x.make(h, body())
		}
	}
	if err != nil {
		return err
	}
	if h.Nlink > 1 && !linked {
		x.first[fileOf(h)] = h.Name
	}
	if h.Mode&cpio.TypeMask == cpio.TypeDir {
		x.dirs[h.Name] = *h
	}
	if !x.nested && !again && h.Name != "." {
		x.made = append(x.made, h.Name)
	}
	return nil
}

// make makes an entry at its place, the name that leads there without a link. Links are
// the image's own, which may have them lead elsewhere later: what is done to the entry
// then is not to be done there.
func (x *Extraction) make(h *cpio.Header, body io.WriterTo) error {
	if place, err := x.folders.place(h.Name); err == nil {
		h.Name = place
	}
	return x.root.Entry(h, body, x.links)
}

// addContent is for an entry whose name is the first one of its file, and there. Its
// content gets there by another name.
func (x *Extraction) addContent(h *cpio.Header, body io.WriterTo) error {
	other := *h
	other.Name = x.newSpare()
	return x.root.Entry(&other, body, x.links)
}

// newSpare returns a name for something that is removed in the end.
func (x *Extraction) newSpare() string {
	name := fmt.Sprintf(".mkinitfs-%d-%d", os.Getpid(), len(x.spares))
	x.spares = append(x.spares, name)
	return name
}

// fileOf is the number of the file that h is of.
func fileOf(h *cpio.Header) uint64 { return uint64(h.DevMajor)<<32 | uint64(h.Ino) }

// makeFolders makes a folder if it is missing, and those it is in: as the image has
// them, if it does.
func (x *Extraction) makeFolders(name string, mtime int64) error {
	if _, err := x.folders.folder(name); !errors.Is(err, unix.ENOENT) {
		return err
	}
	if err := x.makeFolders(path.Dir(name), mtime); err != nil {
		return err
	}
	h, ok := x.omitted[name]
	if !ok {
		h = cpio.Header{Name: name, Mode: cpio.TypeDir | 0o755, Nlink: 2, MTime: mtime}
		h.UID, h.GID = uint32(os.Geteuid()), uint32(os.Getegid())
	}
	if err := x.make(&h, nil); err != nil {
		return err
	}
	x.dirs[h.Name] = h
	x.made = append(x.made, h.Name)
	return nil
}

// makeWay removes what is at the name of an entry. A folder stays for a folder, and is
// again there; else it must be empty.
func (x *Extraction) makeWay(h *cpio.Header) (again bool, err error) {
	dir, base, err := x.folders.find(h.Name)
	if err != nil {
		return false, &unpack.Error{Op: "replace", Name: h.Name, Err: err}
	}
	var info unix.Stat_t
	if err := unix.Fstatat(dir, base, &info, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return false, &unpack.Error{Op: "replace", Name: h.Name, Err: err}
	}
	if info.Mode&unix.S_IFMT == unix.S_IFDIR && h.Mode&cpio.TypeMask == cpio.TypeDir {
		return true, nil
	}
	return false, x.remove(h.Name)
}

// remove removes a file or an empty folder.
func (x *Extraction) remove(name string) error {
	dir, base, err := x.folders.find(name)
	if err == nil {
		err = unix.Unlinkat(dir, base, 0)
		if errors.Is(err, unix.EISDIR) {
			err = unix.Unlinkat(dir, base, unix.AT_REMOVEDIR)
		}
	}
	if err != nil {
		return &unpack.Error{Op: "replace", Name: name, Err: err}
	}
	delete(x.dirs, name)
	x.folders.forget()
	return nil
}
