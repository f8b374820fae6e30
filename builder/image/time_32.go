//go:build linux && (386 || arm || mips || mipsle)

package image

import (
	"math"
	"unsafe"

	"golang.org/x/sys/unix"
)

// setTime sets the modification time of a name in a folder, in seconds since 1970. What
// is later than 2038 takes a call that Linux has from 5.1 on.
func setTime(dir int, name string, mtime int64) error {
	if mtime > math.MaxInt32 {
		p, err := unix.BytePtrFromString(name)
		if err != nil {
			return err
		}
		times := [4]int64{mtime, 0, mtime, 0}
		_, _, e := unix.Syscall6(unix.SYS_UTIMENSAT_TIME64, uintptr(dir), uintptr(unsafe.Pointer(p)),
			uintptr(unsafe.Pointer(&times)), unix.AT_SYMLINK_NOFOLLOW, 0, 0)
		if e == 0 {
			return nil
		}
		if e != unix.ENOSYS {
			return e
		}
		mtime = math.MaxInt32
	}
	times := []unix.Timespec{{Sec: int32(mtime)}, {Sec: int32(mtime)}}
	return unix.UtimesNanoAt(dir, name, times, unix.AT_SYMLINK_NOFOLLOW)
}
