//go:build linux && !386 && !arm && !mips && !mipsle

package image

import "golang.org/x/sys/unix"

// setTime sets the modification time of a name in a folder, in seconds since 1970.
func setTime(dir int, name string, mtime int64) error {
	times := []unix.Timespec{{Sec: mtime}, {Sec: mtime}}
	return unix.UtimesNanoAt(dir, name, times, unix.AT_SYMLINK_NOFOLLOW)
}
