package newfile

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/internal/follow"
)

// Try finds out whether a new file can be made beside path.
func Try(path string) error {
	f, err := Create(path, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Stands reports whether the target can stay as it is, because it is a regular file with
// the same bytes. A target that others can open does not stand if the new file is private.
func (f *File) Stands() bool {
	old, err := os.Open(f.target)
	if err != nil {
		return false
	}
	defer old.Close()
	was, err := old.Stat()
	if err != nil || !was.Mode().IsRegular() || f.perm&0o077 == 0 && was.Mode()&0o077 != 0 {
		return false
	}
	is, err := f.Stat()
	if err != nil || is.Size() != was.Size() {
		return false
	}
	_, err = f.Seek(0, io.SeekStart)
	return err == nil && same(old, f)
}

// same reports whether a and b hold the same bytes.
func same(a, b io.Reader) bool {
	p, q := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, errA := io.ReadFull(a, p)
		m, errB := io.ReadFull(b, q)
		switch {
		case errA != errB || !bytes.Equal(p[:n], q[:m]):
			return false
		case errA != nil:
			return errA == io.EOF || errA == io.ErrUnexpectedEOF
		}
	}
}

// Replaces reports whether a new file at path would take the place of one of the files.
// Another name of such a file is safe, because the new file is renamed.
func Replaces(path string, files []string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false // nothing is lost
	}
	return slices.ContainsFunc(files, func(file string) bool {
		if filepath.Base(file) != filepath.Base(path) {
			return false
		}
		other, err := os.Stat(file)
		return err == nil && os.SameFile(info, other)
	})
}

// Touch gives a file the current time. It keeps the time of the last access.
func Touch(path string) error {
	times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, {Nsec: unix.UTIME_NOW}}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, path, times, 0); err != nil {
		return &fs.PathError{Op: "touch", Path: path, Err: err}
	}
	return nil
}

// Target returns the target of a symbolic link, which need not exist, so that the link
// stays a link.
func Target(path string) (string, error) {
	for range follow.MaxLinks {
		target, err := os.Readlink(path)
		if err != nil {
			return path, nil
		}
		if !filepath.IsAbs(target) {
			dir, _ := filepath.Split(path)
			target = dir + target // not cleaned: ".." leads up from where the directory really is
		}
		path = target
	}
	return "", fmt.Errorf("write %s: %w", path, syscall.ELOOP)
}
