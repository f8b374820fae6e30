package source

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// setContent makes e the regular file of the host at path. A file of /proc or a similar file
// system is read at once, because the kernel generates its content and its size means nothing.
func (j *job) setContent(e *plan.Entry, path string, info *unix.Stat_t) error {
	e.Size, e.Data = info.Size, plan.Data{Path: path, Stamp: stamp(info)}
	e.Private = closed(info)
	if err := readable(path, info); err != nil {
		return err
	}
	if info.Size > 0 && (info.Blocks > 0 || !isMadeUp(path)) {
		return nil
	}
	content, err := readAll(path)
	if err == nil && int64(len(content)) != info.Size {
		e.Size, e.Data = int64(len(content)), plan.Data{At: bytes.NewReader(content)}
		j.input(path)
	}
	return err
}

// isMadeUp reports whether a file is on a file system that gives its files the size of a page,
// whatever they hold.
func isMadeUp(path string) bool {
	var fs unix.Statfs_t
	if unix.Statfs(path, &fs) != nil {
		return false
	}
	switch int64(fs.Type) {
	case unix.SYSFS_MAGIC, unix.PROC_SUPER_MAGIC, unix.DEBUGFS_MAGIC, unix.TRACEFS_MAGIC, unix.SECURITYFS_MAGIC,
		unix.CGROUP_SUPER_MAGIC, unix.CGROUP2_SUPER_MAGIC, unix.SELINUX_MAGIC:
		return true
	}
	return false
}

// maxMadeUp is the largest number of bytes that are read of a file without a true size. Only
// endless files are larger.
const maxMadeUp = 16 << 20

// readAll reads a file. It fails if a read would block. An os.File would wait instead.
func readAll(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer unix.Close(fd)
	var content []byte
	buf := make([]byte, 64<<10)
	for {
		n := 0
		err := again(func() (err error) {
			n, err = unix.Read(fd, buf)
			return err
		})
		switch {
		case err == unix.EAGAIN:
			return nil, errors.New("has no end: it would make the build wait")
		case err != nil:
			return nil, fmt.Errorf("read: %w", err)
		case n == 0:
			return content, nil
		}
		if content = append(content, buf[:n]...); len(content) > maxMadeUp {
			return nil, fmt.Errorf("more than %s, and its size does not say how much", mebibytes(maxMadeUp))
		}
	}
}

// notRegular returns the error for a file that is not regular. The hint names the type of
// contents for such a file.
func notRegular(info *unix.Stat_t) error {
	dev := fmt.Sprintf("%d:%d", unix.Major(uint64(info.Rdev)), unix.Minor(uint64(info.Rdev)))
	switch info.Mode & plan.TypeMask {
	case plan.TypeChar:
		return advise(fmt.Sprintf("type: char with dev: %q makes one", dev), "not a regular file but a character device, %s", dev)
	case plan.TypeBlock:
		return advise(fmt.Sprintf("type: block with dev: %q makes one", dev), "not a regular file but a block device, %s", dev)
	case plan.TypeFIFO:
		return advise("type: fifo makes one; type: tar reads a tarball from it", "not a regular file but a FIFO")
	case plan.TypeSocket:
		return advise("type: socket makes one", "not a regular file but a socket")
	case plan.TypeDir:
		return advise("type: tree takes directories with all that is in them", "not a regular file but a directory")
	}
	return errors.New("not a regular file")
}
