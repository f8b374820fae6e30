//go:build linux

package main

import (
	"io"
	"strings"
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/unpack"
)

// makeDir returns the path of a directory in the new root, and the attributes for it: its
// own if it was there before, else those in st.
func (m *merger) makeDir(path string, st *syscall.Stat_t) (string, *syscall.Stat_t, error) {
	if real, err := resolve(m.to, path); err == nil {
		var have syscall.Stat_t
		if err := syscall.Lstat(m.to+real, &have); err == nil && kind(&have) == syscall.S_IFDIR {
			return m.to + real, &have, nil
		}
	}
	to, err := m.place(path)
	if err != nil {
		return "", nil, err
	}
	return to, st, failure("mkdir", to, syscall.Mkdir(to, 0o700))
}

// move copies an entry other than a directory and unlinks it on rootfs, so that no
// file stands in memory twice.
func (m *merger) move(path string, st *syscall.Stat_t) error {
	to, err := m.place(path)
	if err != nil {
		return err
	}
	if first := m.links[uint64(st.Ino)]; first != "" {
		err = syscall.Link(first, to)
	} else {
		switch kind(st) {
		case syscall.S_IFREG:
			err = copyFile(m.from+path, to)
		case syscall.S_IFLNK:
			var target string
			if target, err = readlink(m.from + path); err == nil {
				err = syscall.Symlink(target, to)
			}
		default:
			err = syscall.Mknod(to, uint32(st.Mode), int(st.Rdev))
		}
		if err == nil {
			err = m.attributes(to, st)
		}
	}
	if err != nil {
		return failure("copy "+path+" to", to, err)
	}
	if st.Nlink > 1 {
		if m.links == nil {
			m.links = map[uint64]string{}
		}
		m.links[uint64(st.Ino)] = to
	}
	return failure("unlink", path, syscall.Unlink(m.from+path))
}

// copyAs makes a name of a file in the new root, and with its first name the file.
func (m *merger) copyAs(path string, st *syscall.Stat_t, mtime int64) error {
	to := m.to + path
	if first := m.links[uint64(st.Ino)]; first != "" {
		return syscall.Link(first, to)
	}
	m.links[uint64(st.Ino)] = to
	if err := copyFile(path, to); err != nil {
		return err
	}
	if err := m.attributes(to, st); err != nil {
		return err
	}
	return unpack.SetTime(to, mtime)
}

// place returns the path in the new root, and removes what stands there. A directory is
// removed only if it is empty.
func (m *merger) place(path string) (string, error) {
	cut := strings.LastIndexByte(path, '/')
	dir, err := resolveDir(m.to, path[:cut])
	if err != nil {
		return "", failure("mkdir", m.to+path[:cut], err)
	}
	to := m.to + dir + path[cut:]
	err = syscall.Unlink(to)
	if err == syscall.EISDIR {
		err = syscall.Rmdir(to)
	}
	if err == syscall.ENOENT {
		err = nil
	}
	return to, failure("replace", to, err)
}

func (m *merger) attributes(path string, st *syscall.Stat_t) error {
	if err := syscall.Lchown(path, int(st.Uid), int(st.Gid)); err != nil {
		return err
	}
	if kind(st) == syscall.S_IFLNK {
		return nil
	}
	if err := syscall.Chmod(path, uint32(st.Mode)&0o7777); err != nil {
		return err
	}
	return syscall.UtimesNano(path, []syscall.Timespec{st.Mtim, st.Mtim})
}

func copyFile(from, to string) error {
	in, err := syscall.Open(from, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(in)
	out, err := syscall.Open(to, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_EXCL|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	defer syscall.Close(out)
	buf := make([]byte, 64<<10)
	for {
		n, err := descriptor(in).Read(buf)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := descriptor(out).Write(buf[:n]); err != nil {
			return err
		}
	}
}
