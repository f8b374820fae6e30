//go:build linux

// Package unpack turns cpio archives into a tree below a folder: what the kernel
// does for an initramfs, for a root that is not rootfs. The boot stub is linked
// with it, so it imports nothing that costs bytes.
//
// Several archives may be unpacked at once if each entry's parent came from an
// archive that was unpacked before. What depends on the whole tree, the modes
// and times of folders, waits for [Root.Finish].
//
// The caller's umask must be 0, and the folder out of reach of others, unless
// Root.Folder is set. Names are used relative to the folder and may not climb out of
// it with "..", but links inside the tree are followed: for an archive that is not
// trusted, Root.Folder has to follow them with more care.
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

// Root is the folder that receives entries.
type Root struct {
	// Folder, if it is set, opens the folder that a name is in and returns it with the
	// last part of the name. It stays open until two further calls.
	Folder func(name string) (fd int, base string, err error)

	fd      int
	entries atomic.Int64
	mu      sync.Mutex
	folders []folder // in the order of the archives: parents first
}

type folder struct {
	name    string
	mode    uint32
	modeSet bool
	mtime   int64
}

// NewRoot returns a Root for the open folder fd, which stays the caller's.
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

// Archive unpacks one archive, through its trailer, and returns its length in
// bytes. Hard links are honoured within it. src has room for 8 KiB.
func (r *Root) Archive(src cpio.Source) (int64, error) {
	in := cpio.ReadSource(src)
	links := Links{}
	for {
		h, err := in.Next()
		if err == io.EOF {
			return in.Offset(), nil
		}
		if err != nil {
			return in.Offset(), err
		}
		if err := r.Entry(h, in, links); err != nil {
			return in.Offset(), err
		}
		r.entries.Add(1)
	}
}

// Links holds the names of one archive that others may be hard links of.
type Links map[inode]string

type inode struct{ ino, major, minor, kind uint32 }

// Later is a body that can still be read when later entries have been unpacked. Defer
// calls write in its own time, or has it called.
type Later interface {
	Defer(write func() error) error
}

var (
	errName    = errors.New("name leads out of the root")
	errNotFile = errors.New("a link to something other than a file has content")
)

// Entry unpacks one entry of an archive that somebody else reads.
func (r *Root) Entry(h *cpio.Header, body io.WriterTo, links Links) error {
	if strings.HasPrefix(h.Name, "/") || strings.Contains("/"+h.Name+"/", "/../") {
		return &Error{"unpack", h.Name, errName}
	}
	kind := h.Mode & cpio.TypeMask
	if h.Nlink > 1 && kind != cpio.TypeDir {
		id := inode{h.Ino, h.DevMajor, h.DevMinor, kind}
		if first, ok := links[id]; ok {
			err := r.link(first, h.Name)
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

// folderOf returns the folder that a name is in, and the name there.
func (r *Root) folderOf(name string) (fd int, base string, err error) {
	if r.Folder == nil {
		return r.fd, name, nil
	}
	return r.Folder(name)
}

func (r *Root) link(first, name string) error {
	from, first, err := r.folderOf(first)
	if err != nil {
		return err
	}
	to, name, err := r.folderOf(name)
	if err != nil {
		return err
	}
	return linkat(from, first, to, name)
}

// make makes what is not a hard link.
func (r *Root) make(h *cpio.Header, body io.WriterTo) error {
	kind := h.Mode & cpio.TypeMask
	if kind == cpio.TypeFile {
		return r.file(h, body, syscall.O_CREAT|syscall.O_EXCL)
	}
	dir, base, err := r.folderOf(h.Name)
	if err != nil {
		return &Error{"create", h.Name, err}
	}
	switch kind {
	case cpio.TypeDir:
		return r.folder(h, dir, base)
	case cpio.TypeLink:
		if h.Size >= cpio.PathMax {
			return &Error{"symlink", h.Name, syscall.ENAMETOOLONG}
		}
		var target strings.Builder
		if _, err := body.WriteTo(&target); err != nil {
			return err
		}
		if err := symlinkat(target.String(), dir, base); err != nil {
			return &Error{"symlink", h.Name, err}
		}
	default:
		dev := mkdev(h.RdevMajor, h.RdevMinor)
		if err := syscall.Mknodat(dir, base, h.Mode, int(dev)); err != nil {
			return &Error{"mknod", h.Name, err}
		}
	}
	return r.attributes(h, dir, base)
}

// file writes a regular file.
func (r *Root) file(h *cpio.Header, body io.WriterTo, flags int) error {
	dir, base, err := r.folderOf(h.Name)
	if err != nil {
		return &Error{"create", h.Name, err}
	}
	if flags&syscall.O_EXCL == 0 && !isFile(dir, base) {
		// What the first name was could have been replaced since, by a device even.
		return &Error{"create", h.Name, errNotFile}
	}
	flags |= syscall.O_WRONLY | syscall.O_NOFOLLOW | syscall.O_CLOEXEC
	mode, modeSet := r.firstMode(h, 0o600)
	fd, err := openat(dir, base, flags, mode)
	if err != nil {
		return &Error{"create", h.Name, err}
	}
	modeSet = modeSet && flags&syscall.O_CREAT != 0
	if later, ok := body.(Later); ok && h.Nlink < 2 { // of two names with content the last has to be written last
		header := *h
		return later.Defer(func() error { return r.fill(fd, &header, body, modeSet) })
	}
	return r.fill(fd, h, body, modeSet)
}

// firstMode is the mode that a file or folder is made with, and whether it is its own.
// It is not if somebody else could use it before it is whole, if its maker could not
// fill it, or if it has a set-id bit: chown clears them, and what is made in a folder
// inherits them.
func (r *Root) firstMode(h *cpio.Header, private uint32) (mode uint32, own bool) {
	const setID = 0o6000
	if r.Folder != nil || h.Mode&setID != 0 || h.Mode&private != private {
		return private, false
	}
	return h.Mode & 0o7777, true
}

// foreign reports whether what has been made is not its owner's yet. In a folder of
// the stub's a new file is root's already; one of somebody's may be setgid.
func (r *Root) foreign(h *cpio.Header) bool { return r.Folder != nil || h.UID != 0 || h.GID != 0 }

// fill gives the open file fd its content and attributes, and closes it. Owner,
// then mode, then time: chown clears setuid, and writing sets the time.
func (r *Root) fill(fd int, h *cpio.Header, body io.WriterTo, modeSet bool) error {
	defer closeFile(fd)
	if _, err := body.WriteTo(file{fd, h.Name}); err != nil {
		return err
	}
	if r.foreign(h) {
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

// folder makes a folder.
func (r *Root) folder(h *cpio.Header, dir int, base string) error {
	mode, modeSet := r.firstMode(h, 0o700)
	if h.Name != "." {
		if err := syscall.Mkdirat(dir, base, mode); err != nil {
			return &Error{"mkdir", h.Name, err}
		}
	} else if err := syscall.Fchmod(r.fd, 0o700); err != nil { // files would inherit the group of a setgid folder
		return &Error{"chmod", h.Name, err}
	}
	if r.foreign(h) {
		if err := syscall.Fchownat(dir, base, int(h.UID), int(h.GID), atSymlinkNoFollow); err != nil {
			return &Error{"chown", h.Name, err}
		}
	}
	r.mu.Lock()
	r.folders = append(r.folders, folder{h.Name, h.Mode & 0o7777, modeSet && h.Name != ".", h.MTime})
	r.mu.Unlock()
	return nil
}

// attributes sets what mknod and symlink leave to be set.
func (r *Root) attributes(h *cpio.Header, dir int, base string) error {
	if r.foreign(h) {
		if err := syscall.Fchownat(dir, base, int(h.UID), int(h.GID), atSymlinkNoFollow); err != nil {
			return &Error{"chown", h.Name, err}
		}
	}
	if h.Mode&cpio.TypeMask != cpio.TypeLink {
		if err := syscall.Fchmodat(dir, base, h.Mode&0o7777, 0); err != nil {
			return &Error{"chmod", h.Name, err}
		}
	}
	return wrap("set mtime of", h.Name, lutimes(dir, base, h.MTime))
}

// Finish gives the folders their times, and their modes if they have not got them,
// deepest first. Nothing may be unpacked afterwards.
func (r *Root) Finish() error {
	for i := len(r.folders) - 1; i >= 0; i-- {
		f := r.folders[i]
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

// file is an open file as an io.Writer. Its errors can be told from those of what
// is being unpacked.
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
