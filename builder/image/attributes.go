//go:build linux

package image

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/stub/unpack"
)

// setFolders gives the folders their attributes, deepest first.
func (x *Extraction) setFolders() error {
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(x.dirs))) {
		if name != "." {
			if err := x.setFolder(name); err != nil {
				return err
			}
		}
	}
	if _, ok := x.dirs["."]; ok {
		return x.setFolder(".")
	}
	return nil
}

func (x *Extraction) setFolder(name string) error {
	h := x.dirs[name]
	fail := func(op string, err error) error { return &unpack.Error{Op: op, Name: name, Err: err} }
	dir, base, err := x.folders.find(name)
	if err != nil {
		return fail("open", err)
	}
	fd, err := unix.Openat(dir, base, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return nil // it was replaced, by another name for it
	}
	if err != nil {
		return fail("open", err)
	}
	defer unix.Close(fd)
	if err := unix.Fchown(fd, int(h.UID), int(h.GID)); err != nil {
		return fail("chown", err)
	}
	if err := unix.Fchmod(fd, h.Mode&0o7777); err != nil {
		return fail("chmod", err)
	}
	if err := setTime(dir, base, h.MTime); err != nil {
		return fail("set mtime of", err)
	}
	return nil
}

// setXattrs sets extended attributes, by path and name, as far as the user may and the
// file system takes them.
func (x *Extraction) setXattrs(xattrs map[string]map[string]string) error {
	if len(xattrs) == 0 || x.Outer {
		return nil
	}
	done := make(chan error)
	go func() {
		// A system call for them is by path. In a folder of its own, which only a thread of
		// its own has, a path is a name. The thread ends with this function.
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			done <- fmt.Errorf("set extended attributes: %w", err)
			return
		}
		for _, at := range slices.Sorted(maps.Keys(xattrs)) {
			name := cleanName(path.Clean("/" + at))
			place := cmp.Or(x.chosen[name], x.spare[name])
			if place == "" {
				continue // what is there is not the image's
			}
			dir, base, err := x.folders.find(place)
			if err == nil {
				err = unix.Fchdir(dir)
			}
			for _, name := range slices.Sorted(maps.Keys(xattrs[at])) {
				err := err
				if err == nil {
					err = unpack.SetXattr(base, name, xattrs[at][name])
				}
				if err != nil {
					x.Unset = append(x.Unset, fmt.Errorf("%s of %s: %w", name, at, err))
				}
			}
		}
		done <- nil
	}()
	return <-done
}
