//go:build linux

package image

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls for every file are raw: the scheduler does not learn of them. It takes any call of
// 20 µs for a blocked one, and wakes another thread again and again though no goroutine waits.
// The price: on a slow disk other goroutines wait now and then until a call returns.

func openat(dir int, name string, flags int, mode uint32) (int, error) {
	p, err := unix.BytePtrFromString(name)
	if err != nil {
		return -1, err
	}
	for {
		fd, _, e := unix.RawSyscall6(unix.SYS_OPENAT, uintptr(dir), uintptr(unsafe.Pointer(p)),
			uintptr(flags|unix.O_LARGEFILE|unix.O_CLOEXEC), uintptr(mode), 0, 0)
		if e != unix.EINTR {
			return int(fd), errno(e)
		}
	}
}

func writeFD(fd int, p []byte) (int, error) {
	n, _, e := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

func fchmod(fd int, mode uint32) error {
	_, _, e := unix.RawSyscall(unix.SYS_FCHMOD, uintptr(fd), uintptr(mode), 0)
	return errno(e)
}

func closeFile(fd int) { _, _, _ = unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

func utimensat(call uintptr, dir int, name, times unsafe.Pointer, flags uintptr) error {
	_, _, e := unix.RawSyscall6(call, uintptr(dir), uintptr(name), uintptr(times), flags, 0, 0)
	return errno(e)
}

func errno(e unix.Errno) error {
	if e != 0 {
		return e
	}
	return nil
}
