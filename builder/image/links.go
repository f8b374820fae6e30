//go:build linux

package image

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// where is the location of a file that may have more names: in a stage, or else in a directory
// of ours.
type where struct {
	place      string // its first name in the tree, "" if that was left out
	stage      *stage
	temp       string // its name in the stage
	attributes        // if it is in a stage
}

// fileOf returns the number of the file of h.
func fileOf(h *cpio.Header) uint64 { return uint64(h.DevMajor)<<32 | uint64(h.Ino) }

// locate returns the directory of a file and its name there.
func (x *Extraction) locate(file where) (dir int, base string, err error) {
	if file.stage != nil {
		return file.stage.fd(), file.temp, nil
	}
	at, base, err := x.resolver.find(file.place)
	if err == nil && !at.ours {
		err = errTaken
	}
	return at.fd, base, err
}

// link makes another name of a file.
func (x *Extraction) link(first where, at directory, base string, h *cpio.Header, body io.WriterTo) error {
	dir, name, err := x.locate(first)
	if err == nil {
		err = unix.Linkat(dir, name, at.fd, base, 0)
	}
	if err != nil {
		return fail("link", h, err)
	}
	x.maker.did("link", h)
	x.resolver.pins.forget(h.Name)
	return x.refill(first, h, body)
}

var errNotFile = errors.New("a link to something other than a file has content")

// refill handles an entry of a file that exists. The entry may bring the content, which GNU
// cpio writes with the last name, or other attributes, which then count.
func (x *Extraction) refill(file where, h *cpio.Header, body io.WriterTo) error {
	content := h.Size > 0 || x.now.rewrites
	if h.Type() != cpio.TypeFile || !content && !x.now.changes {
		return nil
	}
	dir, base, err := x.locate(file)
	if err != nil {
		return fail("create", h, err)
	}
	// A later entry may have replaced the first name, even by a device.
	if now, err := lstat(dir, base); err != nil || !now.is(unix.S_IFREG) {
		return fail("create", h, errNotFile)
	}
	flags := 0
	if content {
		flags = unix.O_TRUNC
	}
	fd, err := openAgain(dir, base, flags)
	if errors.Is(err, unix.EACCES) { // its mode keeps its owner from writing
		if err = unix.Fchmodat(dir, base, 0o600, 0); err == nil {
			fd, err = openAgain(dir, base, flags)
		}
	}
	if err != nil {
		return fail("create", h, err)
	}
	return x.maker.fill(fd, &making{h: h, body: body, attributes: file.attributes})
}

func openAgain(dir int, base string, flags int) (int, error) {
	return unix.Openat(dir, base, unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC|flags, 0)
}

// addSpare makes a file that is not wanted, because another of its names may be.
func (x *Extraction) addSpare(h *cpio.Header, body io.WriterTo) error {
	if first, ok := x.first[fileOf(h)]; ok {
		return x.refill(first, h, body)
	}
	s, err := x.stages.in(x.resolver.root)
	if err != nil {
		return err
	}
	m := &making{h: h, body: body, attributes: attributes{h.Name, x.xattrs(h.Name)}}
	spare := where{stage: s, temp: s.newName(), attributes: m.attributes}
	if err := x.maker.make(m, s.fd(), spare.temp, func() error { return nil }); err != nil {
		return err
	}
	x.first[fileOf(h)], x.spare[h.Name] = spare, spare
	return nil
}
