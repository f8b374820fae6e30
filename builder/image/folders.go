//go:build linux

package image

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// folders finds the directories of names below a root as they are for a process that
// has this root: links are followed, and neither they nor ".." lead out of it. It looks
// at one part after another, which needs no kernel that knows openat2(2), and keeps the
// directories of the last name open, since the next one is mostly near it.
//
// Nobody but us can change most directories: those that we make are kept so until all
// is there. In a directory that stood before and that others can write to, a name has to
// lead where it led first, and no links but our own are followed.
type folders struct {
	root directory
	user uint32   // who extracts
	open []folder // from below the root on
	led  bool     // there by a link
	pins pins

	retired, expired []int // no longer in open, and still open
}

type folder struct {
	name string
	directory
}

func newFolders(fd int) (*folders, error) {
	f := &folders{user: uint32(unix.Geteuid()), pins: newPins()}
	err := f.reroot(fd)
	return f, err
}

// reroot looks again at who may do what in the root.
func (f *folders) reroot(fd int) (err error) {
	f.root, err = f.directory(fd)
	return err
}

func (f *folders) directory(fd int) (directory, error) {
	status, err := fstat(fd)
	return directory{fd, status, status.belongsTo(f.user)}, err
}

// find returns the open directory that a clean relative name is in, and its last part.
// It stays open until two further calls.
func (f *folders) find(name string) (directory, string, error) {
	f.expire()
	dir, base := "", name
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		dir, base = name[:i], name[i+1:]
	}
	at, err := f.folder(dir)
	return at, base, err
}

// place returns the name without a link that leads to the same as name.
func (f *folders) place(name string) (string, error) {
	_, base, err := f.find(name)
	if err != nil || !f.led {
		return name, err
	}
	return f.path(base), nil
}

// path returns the name of base in the directory that was opened last.
func (f *folders) path(base string) string {
	for _, dir := range slices.Backward(f.open) {
		base = dir.name + "/" + base
	}
	return base
}

// folder opens a directory.
func (f *folders) folder(dir string) (directory, error) {
	keep := 0
	left := dir
	for keep < len(f.open) {
		name, rest, _ := strings.Cut(left, "/")
		if name != f.open[keep].name {
			break
		}
		keep++
		left = rest
	}
	f.shorten(keep)
	links := 0
	f.led = false
	for left != "" {
		var name string
		name, left, _ = strings.Cut(left, "/")
		switch name {
		case "", ".":
			continue
		case "..":
			f.shorten(max(len(f.open)-1, 0))
			continue
		}
		target, err := f.enter(name)
		switch {
		case err != nil:
			return directory{fd: -1}, err
		case target == "":
			continue
		case links == maxLinks:
			return directory{fd: -1}, unix.ELOOP
		}
		links++
		f.led = true
		if strings.HasPrefix(target, "/") {
			f.shorten(0)
		}
		left = target + "/" + left
	}
	return f.top(), nil
}

// enter opens a directory in the one that was opened last, or returns the target of a
// link.
func (f *folders) enter(name string) (target string, err error) {
	top := f.top()
	pinned := false
	if !top.ours {
		var pin pin
		if pin, pinned = f.pins.byName[f.path(name)]; pin.target != "" {
			return pin.target, nil
		}
	}
	fd, err := unix.Openat(top.fd, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		target, linkErr := readlink(top.fd, name)
		switch {
		case pinned:
			return "", fmt.Errorf("%s: %w", f.path(name), errTaken)
		case linkErr != nil:
			return "", err
		case !top.ours:
			return "", fmt.Errorf("%s: %w", f.path(name), errLink)
		}
		return target, nil
	}
	dir, err := f.directory(fd)
	if err == nil && !top.ours {
		err = f.pins.check(f.path(name), dir.status)
	}
	if err != nil {
		unix.Close(fd)
		return "", err
	}
	f.open = append(f.open, folder{name, dir})
	return "", nil
}

func (f *folders) top() directory {
	if n := len(f.open); n > 0 {
		return f.open[n-1].directory
	}
	return f.root
}

// shorten keeps the first n directories.
func (f *folders) shorten(n int) {
	for _, gone := range f.open[n:] {
		f.retired = append(f.retired, gone.fd)
	}
	f.open = f.open[:n]
}

// forget is for when a name may lead elsewhere than before.
func (f *folders) forget() { f.shorten(0) }

// expire closes what was retired before the last call.
func (f *folders) expire() {
	for _, fd := range f.expired {
		unix.Close(fd)
	}
	f.expired, f.retired = f.retired, f.expired[:0]
}

func (f *folders) close() {
	f.forget()
	f.expire()
	f.expire()
}

func readlink(dir int, name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dir, name, buf)
	return string(buf[:max(n, 0)]), err
}
