//go:build linux && !386 && !arm && !mips && !mipsle

package image

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

func utimens(dir int, name *byte, mtime int64, flags uintptr) error {
	times := [2]unix.Timespec{{Sec: mtime}, {Sec: mtime}}
	return utimensat(unix.SYS_UTIMENSAT, dir, unsafe.Pointer(name), unsafe.Pointer(&times), flags)
}
