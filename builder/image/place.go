//go:build linux

package image

import (
	"errors"
	"io"
	"path"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// add makes an entry, and changes its name to that of its place. A body that it did not read
// can be read again.
func (x *Extraction) add(h *cpio.Header, body func() io.WriterTo) error {
	m := &making{h: h, attributes: attributes{path: h.Name}}
	err := x.make(m, body())
	if errors.Is(err, unix.ENOENT) && x.Parents {
		switch made := x.makeParents(path.Dir(h.Name), h.MTime); {
		case made == nil:
			err = x.make(m, body())
		case errors.Is(made, errTaken):
			err = made
		}
	}
	found := freed
	if errors.Is(err, unix.EEXIST) {
		if first, ok := x.first[fileOf(h)]; ok && first.place == h.Name {
			return x.refill(first, h, body())
		}
		if found, err = x.makeWay(h); err == nil && found == freed {
			err = x.make(m, body())
		}
	}
	if err != nil {
		return err
	}
	if h.Type() == cpio.TypeDir && found != keptDir {
		x.dirs[h.Name] = madeDir{*h, m.path}
	}
	if !x.nested && found == freed && h.Name != "." {
		x.made = append(x.made, h.Name)
	}
	return nil
}

// make makes an entry at its place, which is its name with all links resolved. Links of the
// image may change later, and later calls must still reach this entry.
func (x *Extraction) make(m *making, body io.WriterTo) (err error) {
	h := m.h
	if h.Name == "." && h.Type() == cpio.TypeDir {
		return x.takeRoot(h)
	}
	if place, err := x.resolver.place(h.Name); err == nil {
		h.Name = place
	}
	at, base, err := x.resolver.find(h.Name)
	if err != nil {
		return fail("create", h, err)
	}
	if first, ok := x.first[fileOf(h)]; ok {
		return x.link(first, at, base, h, body)
	}
	if err := m.read(body); err != nil {
		return err
	}
	if !at.ours {
		return x.makeStaged(m, at, base)
	}
	if err := x.maker.make(m, at.fd, base, func() error { return nil }); err != nil {
		return err
	}
	if m.hasMore() {
		x.first[fileOf(h)] = where{place: h.Name}
	}
	return nil
}

// takeRoot makes the root directory ours, too, until everything below it is complete.
func (x *Extraction) takeRoot(h *cpio.Header) error {
	root := x.resolver.root
	if root.uid != x.resolver.user {
		if err := unix.Fchown(root.fd, int(x.resolver.user), -1); err != nil {
			return fail("chown", h, err)
		}
	}
	if err := unix.Fchmod(root.fd, 0o700); err != nil { // what is made in it would inherit the group of a setgid directory
		return fail("chmod", h, err)
	}
	x.resolver.forget()
	return fail("open", h, x.resolver.reroot(root.fd))
}

// makeParents makes a directory and its missing parents, with the attributes that the image
// has for them.
func (x *Extraction) makeParents(name string, mtime int64) error {
	if _, err := x.resolver.open(name); !errors.Is(err, unix.ENOENT) {
		return err
	}
	if err := x.makeParents(path.Dir(name), mtime); err != nil {
		return err
	}
	h, ok := x.omitted[name]
	if !ok {
		h = cpio.Header{Name: name, Mode: cpio.TypeDir | 0o755, Nlink: 2, MTime: mtime}
		h.UID, h.GID = x.resolver.user, uint32(unix.Getegid())
	}
	if err := x.make(&making{h: &h, attributes: attributes{path: name}}, nil); err != nil {
		return err
	}
	x.dirs[h.Name] = madeDir{h, name}
	x.made = append(x.made, h.Name)
	return nil
}

// The results of makeWay.
type leftAt int

const (
	freed     leftAt = iota
	mergedDir        // a directory that the entry is for
	keptDir          // a directory that the entry is for, but which keeps its own attributes
)

// makeWay removes what is at the name of an entry. A directory stays if the entry is one too.
// Otherwise it must be empty.
func (x *Extraction) makeWay(h *cpio.Header) (leftAt, error) {
	at, base, err := x.resolver.find(h.Name)
	if err != nil {
		return freed, fail("replace", h, err)
	}
	there, err := lstat(at.fd, base)
	if err != nil {
		return freed, fail("replace", h, err)
	}
	if !there.is(unix.S_IFDIR) || h.Type() != cpio.TypeDir {
		return freed, x.remove(h.Name)
	}
	if at.ours {
		return mergedDir, nil
	}
	if err := x.resolver.pins.check(h.Name, there); err != nil {
		return freed, fail("replace", h, err)
	}
	if x.resolver.pins.byName[h.Name].made || at.putThere(there, x.resolver.user) {
		return mergedDir, nil
	}
	if there.uid != h.UID || there.gid != h.GID || (there.mode^h.Mode)&0o7777 != 0 {
		x.Kept = append(x.Kept, "/"+h.Name)
	}
	return keptDir, nil
}

// remove removes a file or an empty directory.
func (x *Extraction) remove(name string) error {
	at, base, err := x.resolver.find(name)
	if err == nil {
		err = unlink(at.fd, base)
	}
	if err != nil {
		return fail("replace", &cpio.Header{Name: name}, err)
	}
	delete(x.dirs, name)
	x.resolver.pins.forget(name)
	x.resolver.forget()
	return nil
}
