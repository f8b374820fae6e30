//go:build linux

package image

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// folders finds the folders of names below a root as they are for a process that has
// this root: links are followed, and neither they nor ".." lead out of it. It looks at
// one part after another, which needs no kernel that knows openat2(2), and keeps the
// folders of the last name open, since the next one is mostly near it.
type folders struct {
	root int
	open []folder // from below the root on
	led  bool     // there by a link

	retired, expired []int // no longer in open, and still open
}

type folder struct {
	name string
	fd   int
}

func newFolders(root int) *folders { return &folders{root: root} }

// find returns the open folder that a clean relative name is in, and its last part. It
// stays open until two further calls.
func (f *folders) find(name string) (int, string, error) {
	f.expire()
	dir, base := "", name
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		dir, base = name[:i], name[i+1:]
	}
	fd, err := f.folder(dir)
	return fd, base, err
}

// place returns the name without a link that leads to the same as name.
func (f *folders) place(name string) (string, error) {
	_, base, err := f.find(name)
	if err != nil || !f.led {
		return name, err
	}
	for _, dir := range slices.Backward(f.open) {
		base = dir.name + "/" + base
	}
	return base, nil
}

// folder returns an open folder, of which one can only say that it is there (O_PATH).
func (f *folders) folder(dir string) (int, error) {
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
		fd, err := unix.Openat(f.top(), name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err == nil {
			f.open = append(f.open, folder{name, fd})
			continue
		}
		target, linkErr := readlink(f.top(), name)
		switch {
		case linkErr != nil:
			return -1, err
		case links == maxLinks:
			return -1, unix.ELOOP
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

func (f *folders) top() int {
	if n := len(f.open); n > 0 {
		return f.open[n-1].fd
	}
	return f.root
}

// shorten keeps the first n folders.
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
