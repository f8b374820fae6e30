//go:build linux && (386 || arm || mips || mipsle)

package image

import (
	"math"
	"unsafe"

	"golang.org/x/sys/unix"
)

// utimens uses utimensat_time64 (Linux 5.1) only for times after 2038, which older
// kernels cannot express: there such a time becomes the last of 2038's.
func utimens(dir int, name *byte, mtime int64, flags uintptr) error {
	if mtime > math.MaxInt32 {
		times := [4]int64{mtime, 0, mtime, 0}
		err := utimensat(unix.SYS_UTIMENSAT_TIME64, dir, unsafe.Pointer(name), unsafe.Pointer(&times), flags)
		if err != unix.ENOSYS {
			return err
		}
		mtime = math.MaxInt32
	}
	times := [2]unix.Timespec{{Sec: int32(mtime)}, {Sec: int32(mtime)}}
	return utimensat(unix.SYS_UTIMENSAT, dir, unsafe.Pointer(name), unsafe.Pointer(&times), flags)
}
