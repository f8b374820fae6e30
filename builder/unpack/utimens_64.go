//go:build linux && !386 && !arm && !mips && !mipsle

package unpack

import (
	"syscall"
	"unsafe"
)

func utimens(dirfd int, name unsafe.Pointer, mtime int64, flags uintptr) error {
	times := [2]syscall.Timespec{{Sec: mtime}, {Sec: mtime}}
	return errno(syscall.RawSyscall6(syscall.SYS_UTIMENSAT, uintptr(dirfd), uintptr(name),
		uintptr(unsafe.Pointer(&times)), flags, 0, 0))
}
