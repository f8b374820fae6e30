//go:build linux

package image

import (
	"errors"
	"io"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/stub/unpack"
)

// add makes an entry. A body that was not read can be asked for again.
func (x *Extraction) add(h *cpio.Header, body func() io.WriterTo) error {
	err := x.root.Entry(h, body(), x.links)
	if errors.Is(err, unix.ENOENT) && x.Parents {
		if x.makeFolders(path.Dir(h.Name), h.MTime) == nil {
			err = x.root.Entry(h, body(), x.links)
		}
	}
	again := false
	if errors.Is(err, unix.EEXIST) {
		if again, err = x.makeWay(h); err == nil && !again {
			err = x.root.Entry(h, body(), x.links)
		}
	}
	if err != nil {
		return err
	}
	if h.Mode&cpio.TypeMask == cpio.TypeDir {
		x.dirs[h.Name] = *h
	}
	if !x.nested && !again && h.Name != "." {
		x.made = append(x.made, h.Name)
	}
	return nil
}

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
	if err := x.root.Entry(&h, nil, x.links); err != nil {
		return err
	}
	x.dirs[name] = h
	x.made = append(x.made, name)
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
