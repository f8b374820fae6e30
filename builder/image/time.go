//go:build linux

package image

import "golang.org/x/sys/unix"

// setTime sets the modification time of a name in a directory, in seconds since 1970.
// It does not follow a link.
func setTime(dir int, name string, mtime int64) error {
	p, err := unix.BytePtrFromString(name)
	if err != nil {
		return err
	}
	return utimens(dir, p, mtime, unix.AT_SYMLINK_NOFOLLOW)
}

// setOpenTime is setTime of an open file.
func setOpenTime(fd int, mtime int64) error { return utimens(fd, nil, mtime, 0) }
