//go:build linux

// Package unpack turns cpio archives into a tree below a directory: what the kernel
// does for an initramfs, for a root that is not rootfs. The boot stub is linked
// with it, so it imports nothing that costs bytes.
//
// Several archives may be unpacked at once if each entry's parent came from an
// archive that was unpacked before. What depends on the whole tree, the modes
// and times of directories, waits for [Root.Finish].
//
// The caller's umask must be 0, and others must not reach the directory. Names are relative to
// the directory and may not climb out of it with "..". Links inside the tree are followed, so
// the archive must be a trusted one.
package unpack

import (
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// Root is the directory that receives entries.
type Root struct {
	fd      int
	entries atomic.Int64
	mu      sync.Mutex
	dirs    []directory // in the order of the archives: parents first
}

type directory struct {
	name    string
	mode    uint32
	modeSet bool
	mtime   int64
}

// NewRoot returns a Root for the open directory fd, which stays the caller's.
func NewRoot(fd int) *Root { return &Root{fd: fd} }

// Entries is the number of entries unpacked so far.
func (r *Root) Entries() int64 { return r.entries.Load() }

// Error says which operation on which entry failed.
type Error struct {
	Op, Name string
	Err      error
}

func (e *Error) Error() string { return e.Op + " " + e.Name + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// Archive unpacks one archive, and leaves src behind its trailer. Hard links are
// honoured within it. src has room for 8 KiB.
func (r *Root) Archive(src cpio.Source) error {
	in := cpio.ReadSource(src)
	links := links{}
	for {
		h, err := in.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := r.entry(h, in, links); err != nil {
			return err
		}
		r.entries.Add(1)
	}
}

// links holds the names of one archive that others may be hard links of.
type links map[inode]string

type inode struct{ ino, major, minor, kind uint32 }

var (
	errName    = errors.New("name leads out of the root")
	errNotFile = errors.New("a link to something other than a file has content")
)

func (r *Root) entry(h *cpio.Header, body io.WriterTo, links links) error {
	if strings.HasPrefix(h.Name, "/") || strings.Contains("/"+h.Name+"/", "/../") {
		return &Error{"unpack", h.Name, errName}
	}
	kind := h.Mode & cpio.TypeMask
	if h.Nlink > 1 && kind != cpio.TypeDir {
		id := inode{h.Ino, h.DevMajor, h.DevMinor, kind}
		if first, ok := links[id]; ok {
			err := linkat(r.fd, first, r.fd, h.Name)
			if err == nil && kind == cpio.TypeFile && h.Size > 0 {
				// GNU cpio writes the content with the last name.
				return r.file(h, body, syscall.O_TRUNC)
			}
			return wrap("link", h.Name, err)
		}
		if err := r.make(h, body); err != nil {
			return err
		}
		links[id] = h.Name
		return nil
	}
	return r.make(h, body)
}

// make makes what is not a hard link.
func (r *Root) make(h *cpio.Header, body io.WriterTo) error {
	kind := h.Mode & cpio.TypeMask
	if kind == cpio.TypeFile {
		return r.file(h, body, syscall.O_CREAT|syscall.O_EXCL)
	}
	switch kind {
	case cpio.TypeDir:
		return r.makeDir(h)
	case cpio.TypeLink:
		if h.Size >= cpio.PathMax {
			return &Error{"symlink", h.Name, syscall.ENAMETOOLONG}
		}
		var target strings.Builder
		if _, err := body.WriteTo(&target); err != nil {
			return err
		}
		if err := symlinkat(target.String(), r.fd, h.Name); err != nil {
			return &Error{"symlink", h.Name, err}
		}
	default:
		dev := mkdev(h.RdevMajor, h.RdevMinor)
		if err := syscall.Mknodat(r.fd, h.Name, h.Mode, int(dev)); err != nil {
			return &Error{"mknod", h.Name, err}
		}
	}
	return r.attributes(h)
}

// file writes a regular file.
func (r *Root) file(h *cpio.Header, body io.WriterTo, flags int) error {
	if flags&syscall.O_EXCL == 0 && !isFile(r.fd, h.Name) {
		// A later entry may have replaced the first name, even by a device.
		return &Error{"create", h.Name, errNotFile}
	}
	flags |= syscall.O_WRONLY | syscall.O_NOFOLLOW | syscall.O_CLOEXEC
	mode, modeSet := firstMode(h, 0o600)
	fd, err := openat(r.fd, h.Name, flags, mode)
	if err != nil {
		return &Error{"create", h.Name, err}
	}
	modeSet = modeSet && flags&syscall.O_CREAT != 0
	return fill(fd, h, body, modeSet)
}

// firstMode returns the creation mode of a file or directory and whether it is already
// the final one. It is not when we could not write to it, or when it has a set-id bit:
// chown clears those, and what is made in a directory inherits them.
func firstMode(h *cpio.Header, private uint32) (mode uint32, own bool) {
	const setID = 0o6000
	if h.Mode&setID != 0 || h.Mode&private != private {
		return private, false
	}
	return h.Mode & 0o7777, true
}

// foreign reports whether a new file is not its owner's yet: it belongs to root.
func foreign(h *cpio.Header) bool { return h.UID != 0 || h.GID != 0 }

// fill gives the open file fd its content and attributes, and closes it. Owner,
// then mode, then time: chown clears setuid, and writing sets the time.
func fill(fd int, h *cpio.Header, body io.WriterTo, modeSet bool) error {
	defer closeFile(fd)
	if _, err := body.WriteTo(file{fd, h.Name}); err != nil {
		return err
	}
	if foreign(h) {
		if err := syscall.Fchown(fd, int(h.UID), int(h.GID)); err != nil {
			return &Error{"chown", h.Name, err}
		}
	}
	if !modeSet {
		if err := fchmod(fd, h.Mode&0o7777); err != nil {
			return &Error{"chmod", h.Name, err}
		}
	}
	return wrap("set mtime of", h.Name, futimes(fd, h.MTime))
}

// makeDir makes a directory.
func (r *Root) makeDir(h *cpio.Header) error {
	mode, modeSet := firstMode(h, 0o700)
	if h.Name != "." {
		if err := syscall.Mkdirat(r.fd, h.Name, mode); err != nil {
			return &Error{"mkdir", h.Name, err}
		}
	} else if err := syscall.Fchmod(r.fd, 0o700); err != nil { // files would inherit the group of a setgid directory
		return &Error{"chmod", h.Name, err}
	}
	if foreign(h) {
		if err := syscall.Fchownat(r.fd, h.Name, int(h.UID), int(h.GID), atSymlinkNoFollow); err != nil {
			return &Error{"chown", h.Name, err}
		}
	}
	r.mu.Lock()
	r.dirs = append(r.dirs, directory{h.Name, h.Mode & 0o7777, modeSet && h.Name != ".", h.MTime})
	r.mu.Unlock()
	return nil
}

// attributes sets what mknod and symlink have not set.
func (r *Root) attributes(h *cpio.Header) error {
	if foreign(h) {
		if err := syscall.Fchownat(r.fd, h.Name, int(h.UID), int(h.GID), atSymlinkNoFollow); err != nil {
			return &Error{"chown", h.Name, err}
		}
	}
	if h.Mode&cpio.TypeMask != cpio.TypeLink {
		if err := syscall.Fchmodat(r.fd, h.Name, h.Mode&0o7777, 0); err != nil {
			return &Error{"chmod", h.Name, err}
		}
	}
	return wrap("set mtime of", h.Name, lutimes(r.fd, h.Name, h.MTime))
}

// Finish sets the times of directories, and the modes that are not final yet, deepest first.
// Nothing may be unpacked afterwards.
func (r *Root) Finish() error {
	for i := len(r.dirs) - 1; i >= 0; i-- {
		f := r.dirs[i]
		if !f.modeSet {
			if err := syscall.Fchmodat(r.fd, f.name, f.mode, 0); err != nil {
				return &Error{"chmod", f.name, err}
			}
		}
		if err := lutimes(r.fd, f.name, f.mtime); err != nil {
			return &Error{"set mtime of", f.name, err}
		}
	}
	return nil
}

func wrap(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{op, name, err}
}

// file is an open file as an io.Writer. Its errors differ in type from those of the archive.
type file struct {
	fd   int
	name string
}

func (f file) Write(p []byte) (int, error) {
	for n := 0; n < len(p); {
		m, err := write(f.fd, p[n:])
		if err != nil && err != syscall.EINTR {
			return n, &Error{"write", f.name, err}
		}
		n += max(m, 0)
	}
	return len(p), nil
}
