//go:build linux && (386 || arm || mips || mipsle)

package unpack

import (
	"math"
	"syscall"
	"unsafe"
)

// utimens uses utimensat_time64 (Linux 5.1) only for times from 2038 on, which
// older kernels cannot express: there such a time becomes the last of 2038's.
func utimens(dirfd int, name unsafe.Pointer, mtime int64, flags uintptr) error {
	if mtime > math.MaxInt32 {
		times := [4]int64{mtime, 0, mtime, 0}
		err := errno(syscall.RawSyscall6(sysUtimensatTime64, uintptr(dirfd), uintptr(name),
			uintptr(unsafe.Pointer(&times)), flags, 0, 0))
		if err != syscall.ENOSYS {
			return err
		}
		mtime = math.MaxInt32
	}
	times := [2]syscall.Timespec{{Sec: int32(mtime)}, {Sec: int32(mtime)}}
	return errno(syscall.RawSyscall6(syscall.SYS_UTIMENSAT, uintptr(dirfd), uintptr(name),
		uintptr(unsafe.Pointer(&times)), flags, 0, 0))
}
