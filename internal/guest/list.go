//go:build linux

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/internal/guest/report"
)

// list finds every name on the file system of /. Mounts hide what lies below
// them; a detached copy of the mount of / has none. Kernels before 5.2 cannot
// give one: there a mount point shows what is mounted on it, and is not entered.
func list(r *report.Report) error {
	root, err := unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err == unix.ENOSYS {
		root, err = unix.Open("/", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return err
	}
	defer unix.Close(root)
	if err := unix.Fchdir(root); err != nil {
		return err
	}
	defer unix.Chdir("/")

	l := lister{report: r, buffer: make([]byte, 256<<10)}
	info, err := os.Lstat(".")
	if err != nil {
		return err
	}
	l.dev = uint64(info.Sys().(*syscall.Stat_t).Dev)
	return l.visit("/", info)
}

type lister struct {
	report *report.Report
	dev    uint64 // of /
	buffer []byte
}

// visit adds the entry at name, an absolute path, and what is below it.
func (l *lister) visit(name string, info os.FileInfo) error {
	stat := info.Sys().(*syscall.Stat_t)
	// On 32-bit machines lstat(2) knows no time after 2038.
	var times unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, "."+name, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_MTIME, &times)
	if err == unix.ENOSYS { // is of Linux 4.11
		times.Mtime.Sec, times.Mtime.Nsec, err = int64(stat.Mtim.Sec), uint32(stat.Mtim.Nsec), nil
	} else if err != nil {
		return fmt.Errorf("statx %s: %w", name, err)
	}
	entry := report.Entry{
		Path:  name,
		Mode:  uint32(stat.Mode),
		UID:   stat.Uid,
		GID:   stat.Gid,
		Nlink: uint64(stat.Nlink),
		Ino:   stat.Ino,
		MTime: times.Mtime.Sec,
		Nanos: int64(times.Mtime.Nsec),
	}
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		entry.Size, entry.Blocks = stat.Size, stat.Blocks
		entry.SHA256, err = l.hash("." + name)
	case unix.S_IFLNK:
		entry.Target, err = os.Readlink("." + name)
	case unix.S_IFCHR, unix.S_IFBLK:
		entry.Major, entry.Minor = unix.Major(uint64(stat.Rdev)), unix.Minor(uint64(stat.Rdev))
	}
	if err != nil {
		return err
	}
	if entry.Xattrs, err = l.xattrs("." + name); err != nil {
		return fmt.Errorf("extended attributes of %s: %w", name, err)
	}
	l.report.Entries = append(l.report.Entries, entry)
	if !info.IsDir() || uint64(stat.Dev) != l.dev {
		return nil
	}

	names, err := os.ReadDir("." + name)
	if err != nil {
		return err
	}
	for _, n := range names {
		info, err := n.Info()
		if err != nil {
			return err
		}
		if err := l.visit(path.Join(name, n.Name()), info); err != nil {
			return err
		}
	}
	return nil
}

// xattrs returns the extended attributes of a file, nil if there are none.
func (l *lister) xattrs(name string) (map[string]string, error) {
	n, err := unix.Llistxattr(name, l.buffer) // which is larger than they get
	if err == unix.EOPNOTSUPP || n == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for key := range strings.SplitSeq(strings.TrimSuffix(string(l.buffer[:n]), "\x00"), "\x00") {
		n, err := unix.Lgetxattr(name, key, l.buffer)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		found[key] = string(l.buffer[:n])
	}
	return found, nil
}

// showWord makes this program print the extended attributes of files and end.
const showWord = "show-extended-attributes"

func show(names []string) int {
	l := lister{buffer: make([]byte, 64<<10)}
	for _, name := range names {
		found, err := l.xattrs(name)
		if err != nil {
			fmt.Fprintln(os.Stderr, name, err)
			return 1
		}
		for _, key := range slices.Sorted(maps.Keys(found)) {
			fmt.Printf("%s %s %q\n", name, key, found[key])
		}
	}
	return 0
}

// hash returns the SHA-256 of a file.
func (l *lister) hash(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	// Without ReadFrom and WriteTo, so that the one buffer serves all files.
	if _, err := io.CopyBuffer(h, struct{ io.Reader }{f}, l.buffer); err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
