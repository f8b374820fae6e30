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

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/unpack"
)

// madeDir is a directory that gets its attributes once its entries are complete.
type madeDir struct {
	cpio.Header
	path string // in the image
}

// setDirs gives the directories to their owners, deepest first: a directory that others can
// write to then holds complete entries only. After an error it goes on with the others.
func (x *Extraction) setDirs() error {
	var first error
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(x.dirs))) {
		if name != "." {
			first = cmp.Or(first, x.setDir(name))
		}
	}
	if root, ok := x.dirs["."]; ok {
		first = cmp.Or(first, x.maker.setOpen(x.resolver.root.fd, &root.Header, attributes{}))
	}
	return first
}

func (x *Extraction) setDir(name string) error {
	made := x.dirs[name]
	h := &made.Header
	at, base, err := x.resolver.find(name)
	if err != nil {
		return fail("open", h, err)
	}
	x.maker.did("find", h)
	fd, err := unix.Openat(at.fd, base, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if missing := errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR); missing && at.ours {
		return nil // it was replaced, by another name for it
	} else if missing {
		err = errTaken
	}
	if err != nil {
		return fail("open", h, err)
	}
	defer unix.Close(fd)
	x.maker.did("open", h)
	more := attributes{path: made.path}
	if !at.ours {
		if err := x.verify(name, at, fd); err != nil {
			return fail("open", h, err)
		}
		more.xattrs = x.xattrs(made.path)
	}
	return x.maker.setOpen(fd, h, more)
}

// verify returns errTaken unless the open directory fd is the one that we made or found at
// name, in the directory at, which others can write to.
func (x *Extraction) verify(name string, at directory, fd int) error {
	now, err := fstat(fd)
	if err != nil {
		return err
	}
	pin, ok := x.resolver.pins.byName[name]
	switch {
	case !ok, pin.id != now.id,
		pin.made && !now.belongsTo(x.resolver.user),
		!pin.made && !at.putThere(now, x.resolver.user):
		return errTaken
	}
	return nil
}

// xattrs returns the extended attributes of a path in the image that are known so far.
func (x *Extraction) xattrs(name string) map[string]string {
	if x.Outer {
		return nil
	}
	return x.info.Xattrs.Of(path.Clean("/" + name))
}

// setXattrs sets the extended attributes that the user may set and the file system accepts.
// Entries in directories that others can write to have them already.
func (x *Extraction) setXattrs() error {
	if x.info.Xattrs == nil || x.Outer {
		return nil
	}
	return inDirectory(func(enter func(fd int) error) {
		for _, name := range x.names() {
			xattrs := x.xattrs(name)
			if xattrs == nil {
				continue
			}
			dir, base, err := x.whereXattrs(name)
			if base == "" {
				continue
			}
			x.maker.setXattrs(attributes{"/" + name, xattrs}, func(name, value string) error {
				if err == nil {
					err = enter(dir)
				}
				if err != nil {
					return err
				}
				return unpack.SetXattr(base, name, value)
			})
		}
	})
}

// names returns the sorted names in the image of all entries that were made or may have
// another name.
func (x *Extraction) names() []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(x.chosen)), maps.Keys(x.spare))
	slices.Sort(names)
	return names
}

// whereXattrs returns the directory and the base name of the file that gets the extended
// attributes of a name in the image. The base name is "" if the file has them already, or is
// not ours.
func (x *Extraction) whereXattrs(name string) (dir int, base string, err error) {
	place, ok := x.chosen[name]
	if !ok {
		if spare, ok := x.spare[name]; ok {
			return x.locate(spare)
		}
		return -1, "", nil
	}
	at, base, err := x.resolver.find(place)
	switch {
	case err != nil:
		return -1, place, err
	case at.ours:
		return at.fd, base, nil
	case x.early[place]:
		return -1, base, errors.New("others can write to its directory, and the image names them behind it")
	}
	return -1, "", nil
}

// setXattrs sets the extended attributes of an entry.
func (k *maker) setXattrs(a attributes, set func(name, value string) error) {
	for _, name := range slices.Sorted(maps.Keys(a.xattrs)) {
		if err := set(name, a.xattrs[name]); err != nil {
			k.unset(fmt.Errorf("%s of %s: %w", name, a.path, err))
		}
	}
}

// inDirectory calls f with a function enter that changes the working directory. It serves
// system calls that take no descriptor of a directory: a name in the working directory is a
// safe path. f runs on a thread with a working directory of its own, which ends with it.
func inDirectory(f func(enter func(fd int) error)) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_FS)
		if err == nil {
			f(unix.Fchdir)
		} else {
			err = fmt.Errorf("set extended attributes: %w", err)
		}
		done <- err
	}()
	return <-done
}
