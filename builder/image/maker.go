//go:build linux

package image

import (
	"errors"
	"io"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/unpack"
)

// maker makes entries in directories that nobody else can change, so that a name leads to the
// entry that was made. It sets owner, then mode, then extended attributes, then time, because
// chown(2) clears set-id bits, and chown and write clear capabilities.
type maker struct {
	unset   func(error)             // is told of an extended attribute that could not be set
	between func(call, name string) // for tests, which change things after a call
}

// making is an entry that is being made.
type making struct {
	h      *cpio.Header
	body   io.WriterTo
	target string // of a symbolic link
	attributes
}

// attributes are an entry's attributes that its header does not hold.
type attributes struct {
	path   string            // in the image
	xattrs map[string]string // by name
}

// hasMore reports whether a file may have further names.
func (m *making) hasMore() bool {
	kind := m.h.Type()
	return m.h.Nlink > 1 && kind != cpio.TypeDir && kind != cpio.TypeLink
}

// read takes the body of an entry, and reads the target of a symbolic link from it.
func (m *making) read(body io.WriterTo) error {
	m.body = body
	if m.h.Type() != cpio.TypeLink {
		return nil
	}
	var b strings.Builder
	_, err := body.WriteTo(&b)
	if m.target = b.String(); err == nil && len(m.target) >= cpio.PathMax {
		err = fail("symlink", m.h, unix.ENAMETOOLONG)
	}
	return err
}

// did reports a finished call to tests.
func (k *maker) did(call string, h *cpio.Header) {
	if k.between != nil {
		k.between(call, h.Name)
	}
}

// make makes an entry in a directory of ours. It calls move when others may see the name: when
// the entry is complete, or, for a file or directory, as soon as it exists, because
// descriptors serve for the rest.
func (k *maker) make(m *making, dir int, base string, move func() error) error {
	var err error
	switch m.h.Type() {
	case cpio.TypeFile:
		fd, err := k.file(dir, base, m.h)
		if err != nil {
			return err
		}
		if err := move(); err != nil {
			closeFile(fd)
			return err
		}
		return k.fill(fd, m)
	case cpio.TypeDir:
		err = k.directory(dir, base, m.h)
	case cpio.TypeLink:
		err = k.link(m, dir, base)
	default:
		err = k.node(m, dir, base)
	}
	if err != nil {
		return err
	}
	return move()
}

func fail(op string, h *cpio.Header, err error) error {
	if err == nil {
		return nil
	}
	return &unpack.Error{Op: op, Name: h.Name, Err: err}
}

// file makes an empty file, which only we can open.
func (k *maker) file(dir int, base string, h *cpio.Header) (fd int, err error) {
	fd, err = openat(dir, base, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW, 0o600)
	k.did("create", h)
	return fd, fail("create", h, err)
}

// fill gives the open file fd its content and attributes, and closes it. If the content can
// wait, that happens later.
func (k *maker) fill(fd int, m *making) error {
	if later, ok := m.body.(*deferredBody); ok && m.h.Nlink < 2 { // of two names with content the last has to be written last
		header := *m.h
		m.h = &header
		return later.Defer(func() error { return k.fillNow(fd, m) })
	}
	return k.fillNow(fd, m)
}

func (k *maker) fillNow(fd int, m *making) error {
	defer closeFile(fd)
	n, err := m.body.WriteTo(output{fd, m.h})
	if fault := (*unpack.Error)(nil); errors.As(err, &fault) {
		return err // of writing
	}
	k.did("write", m.h)
	h := *m.h
	if n < h.Size && h.Type() == cpio.TypeFile {
		// The image ends here, or is damaged: the kernel leaves the file with its whole
		// size, and the time as it is.
		if err := unix.Ftruncate(fd, h.Size); err != nil {
			return fail("write", &h, err)
		}
		h.MTime = timeStays
	}
	if setErr := k.setOpen(fd, &h, m.attributes); err == nil {
		err = setErr
	}
	return err
}

// setOpen sets the attributes of an open file or directory.
func (k *maker) setOpen(fd int, h *cpio.Header, more attributes) error {
	if err := unix.Fchown(fd, int(h.UID), int(h.GID)); err != nil {
		return fail("chown", h, err)
	}
	k.did("chown", h)
	if err := fchmod(fd, h.Mode&0o7777); err != nil {
		return fail("chmod", h, err)
	}
	k.did("chmod", h)
	k.setXattrs(more, func(name, value string) error { return unix.Fsetxattr(fd, name, []byte(value), 0) })
	if h.MTime == timeStays {
		return nil
	}
	return fail("set mtime of", h, setOpenTime(fd, h.MTime))
}

// timeStays is the time of a file that keeps the time at which it was made.
const timeStays = -1

// directory makes a directory that only we can use until its attributes are set.
func (k *maker) directory(dir int, base string, h *cpio.Header) error {
	err := unix.Mkdirat(dir, base, 0o700)
	if err == nil {
		err = unix.Fchmodat(dir, base, 0o700, 0) // the umask may have taken bits of it
	}
	k.did("mkdir", h)
	return fail("mkdir", h, err)
}

// link makes a symbolic link.
func (k *maker) link(m *making, dir int, base string) error {
	if err := unix.Symlinkat(m.target, dir, base); err != nil {
		return fail("symlink", m.h, err)
	}
	k.did("symlink", m.h)
	return k.setNamed(m, dir, base)
}

// node makes a device node, a FIFO or a socket. Nobody can open it before its owner is set.
func (k *maker) node(m *making, dir int, base string) error {
	h := m.h
	if err := unix.Mknodat(dir, base, h.Type(), int(unix.Mkdev(h.RdevMajor, h.RdevMinor))); err != nil {
		return fail("mknod", h, err)
	}
	k.did("mknod", h)
	return k.setNamed(m, dir, base)
}

// setNamed sets the attributes of an entry that cannot be opened.
func (k *maker) setNamed(m *making, dir int, base string) error {
	h := m.h
	if err := unix.Fchownat(dir, base, int(h.UID), int(h.GID), unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fail("chown", h, err)
	}
	k.did("chown", h)
	if h.Type() != cpio.TypeLink {
		if err := unix.Fchmodat(dir, base, h.Mode&0o7777, 0); err != nil {
			return fail("chmod", h, err)
		}
		k.did("chmod", h)
	}
	if len(m.xattrs) > 0 {
		err := inDirectory(func(enter func(fd int) error) {
			k.setXattrs(m.attributes, func(name, value string) error {
				if err := enter(dir); err != nil {
					return err
				}
				return unpack.SetXattr(base, name, value)
			})
		})
		if err != nil {
			return err
		}
	}
	err := setTime(dir, base, h.MTime)
	k.did("set mtime of", h)
	return fail("set mtime of", h, err)
}

// output is an open file as an io.Writer.
type output struct {
	fd int
	h  *cpio.Header
}

func (o output) Write(p []byte) (int, error) {
	for n := 0; n < len(p); {
		m, err := writeFD(o.fd, p[n:])
		if err != nil && err != unix.EINTR {
			return n, fail("write", o.h, err)
		}
		n += max(m, 0)
	}
	return len(p), nil
}
