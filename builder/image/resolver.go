//go:build linux

package image

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/internal/follow"
)

// resolver finds the directories of names below a root as a process with this root would:
// links are followed, and neither they nor ".." lead out of it. It resolves one component
// after another, which works without openat2(2). It keeps the directories of the last name
// open, because the next name is mostly near it.
//
// Most directories can be changed by nobody but us: we keep those that we make to ourselves
// until everything is complete. In an existing directory that others can write to, a name must
// lead where it led first, and only our own links are followed.
type resolver struct {
	root  directory
	user  uint32     // who extracts
	chain []chainDir // the directories of the last name, from below the root on
	led   bool       // to them by a link
	pins  pins

	retired, expired []int // descriptors that have left the chain and are still open
}

// chainDir is an open directory and its name in the one before.
type chainDir struct {
	name string
	directory
}

func newResolver(fd int) (*resolver, error) {
	r := &resolver{user: uint32(unix.Geteuid()), pins: newPins()}
	err := r.reroot(fd)
	return r, err
}

// reroot looks again at who may do what in the root.
func (r *resolver) reroot(fd int) (err error) {
	r.root, err = r.directory(fd)
	return err
}

func (r *resolver) directory(fd int) (directory, error) {
	found, err := fstat(fd)
	return directory{fd, found, found.belongsTo(r.user)}, err
}

// find returns the open directory of a clean relative name, and its last component. The
// directory stays open until the second call from now.
func (r *resolver) find(name string) (directory, string, error) {
	r.expire()
	dir, base := "", name
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		dir, base = name[:i], name[i+1:]
	}
	at, err := r.open(dir)
	return at, base, err
}

// place returns a name without links that leads to the same entry.
func (r *resolver) place(name string) (string, error) {
	_, base, err := r.find(name)
	if err != nil || !r.led {
		return name, err
	}
	return r.path(base), nil
}

// path returns the name of base in the directory that was opened last.
func (r *resolver) path(base string) string {
	for _, dir := range slices.Backward(r.chain) {
		base = dir.name + "/" + base
	}
	return base
}

// open opens a directory, and keeps those above it open in the chain.
func (r *resolver) open(dir string) (directory, error) {
	keep := 0
	left := dir
	for keep < len(r.chain) {
		name, rest, _ := strings.Cut(left, "/")
		if name != r.chain[keep].name {
			break
		}
		keep++
		left = rest
	}
	r.shorten(keep)
	links := 0
	r.led = false
	for left != "" {
		var name string
		name, left, _ = strings.Cut(left, "/")
		switch name {
		case "", ".":
			continue
		case "..":
			r.shorten(max(len(r.chain)-1, 0))
			continue
		}
		target, err := r.enter(name)
		switch {
		case err != nil:
			return directory{fd: -1}, err
		case target == "":
			continue
		case links == follow.MaxLinks:
			return directory{fd: -1}, unix.ELOOP
		}
		links++
		r.led = true
		if strings.HasPrefix(target, "/") {
			r.shorten(0)
		}
		left = target + "/" + left
	}
	return r.top(), nil
}

// enter opens a directory in the one that was opened last, or returns the target of a
// link.
func (r *resolver) enter(name string) (target string, err error) {
	top := r.top()
	pinned := false
	if !top.ours {
		var first pin
		if first, pinned = r.pins.byName[r.path(name)]; first.target != "" {
			return first.target, nil
		}
	}
	fd, err := unix.Openat(top.fd, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		target, linkErr := readlink(top.fd, name)
		switch {
		case pinned:
			return "", fmt.Errorf("%s: %w", r.path(name), errTaken)
		case linkErr != nil:
			return "", err
		case !top.ours:
			return "", fmt.Errorf("%s: %w", r.path(name), errLink)
		}
		return target, nil
	}
	dir, err := r.directory(fd)
	if err == nil && !top.ours {
		err = r.pins.check(r.path(name), dir.status)
	}
	if err != nil {
		unix.Close(fd)
		return "", err
	}
	r.chain = append(r.chain, chainDir{name, dir})
	return "", nil
}

func (r *resolver) top() directory {
	if n := len(r.chain); n > 0 {
		return r.chain[n-1].directory
	}
	return r.root
}

// shorten keeps the first n directories of the chain.
func (r *resolver) shorten(n int) {
	for _, gone := range r.chain[n:] {
		r.retired = append(r.retired, gone.fd)
	}
	r.chain = r.chain[:n]
}

// forget closes the chain, because a name may lead elsewhere now.
func (r *resolver) forget() { r.shorten(0) }

// expire closes the descriptors that were retired before the last call of it.
func (r *resolver) expire() {
	for _, fd := range r.expired {
		unix.Close(fd)
	}
	r.expired, r.retired = r.retired, r.expired[:0]
}

func (r *resolver) close() {
	r.forget()
	r.expire()
	r.expire()
}

func readlink(dir int, name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dir, name, buf)
	return string(buf[:max(n, 0)]), err
}
