//go:build linux

package unpack

import (
	"syscall"
	"unsafe"
)

// From the kernel's uapi/linux/fcntl.h.
const (
	atSymlinkNoFollow = 0x100
	oPath             = 0o10000000
)

// isFile reports whether there is a regular file at a path. It does not open it.
func isFile(dirfd int, name string) bool {
	fd, err := syscall.Openat(dirfd, name, oPath|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer syscall.Close(fd)
	var info syscall.Stat_t
	err = syscall.Fstat(fd, &info)
	return err == nil && info.Mode&syscall.S_IFMT == syscall.S_IFREG
}

// mkdev packs a device number as mknod(2) takes it: the kernel's new_encode_dev,
// 12 bits of major and 20 of minor.
func mkdev(major, minor uint32) uint32 {
	return minor&0xff | major<<8 | minor&^0xff<<12
}

// These system calls are raw: the scheduler does not learn of them. It takes any call of 20 µs
// for a blocked one, and wakes another thread to run other goroutines, even if there are none.
// In an emulated machine that cost a third of the boot. The price: on a slow disk of a host,
// other goroutines wait now and then until a call returns.

func openat(dirfd int, name string, flags int, mode uint32) (int, error) {
	n, err := syscall.BytePtrFromString(name)
	if err != nil {
		return -1, err
	}
	for {
		fd, _, e := syscall.RawSyscall6(syscall.SYS_OPENAT, uintptr(dirfd), uintptr(unsafe.Pointer(n)),
			uintptr(flags|syscall.O_LARGEFILE), uintptr(mode), 0, 0)
		if e != syscall.EINTR {
			return int(fd), errno(0, 0, e)
		}
	}
}

func write(fd int, p []byte) (int, error) {
	n, _, e := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

func fchmod(fd int, mode uint32) error {
	return errno(syscall.RawSyscall(syscall.SYS_FCHMOD, uintptr(fd), uintptr(mode), 0))
}

func closeFile(fd int) { syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(fd), 0, 0) }

func symlinkat(target string, dirfd int, name string) error {
	t, err := syscall.BytePtrFromString(target)
	if err != nil {
		return err
	}
	n, err := syscall.BytePtrFromString(name)
	if err != nil {
		return err
	}
	return errno(syscall.RawSyscall(syscall.SYS_SYMLINKAT, uintptr(unsafe.Pointer(t)), uintptr(dirfd), uintptr(unsafe.Pointer(n))))
}

func linkat(fromdir int, from string, todir int, to string) error {
	f, err := syscall.BytePtrFromString(from)
	if err != nil {
		return err
	}
	t, err := syscall.BytePtrFromString(to)
	if err != nil {
		return err
	}
	return errno(syscall.RawSyscall6(syscall.SYS_LINKAT, uintptr(fromdir), uintptr(unsafe.Pointer(f)),
		uintptr(todir), uintptr(unsafe.Pointer(t)), 0, 0))
}

// From the kernel's uapi/linux/fcntl.h.
const atFDCWD = -100

// SetTime sets the modification time of the file at path, in seconds since the
// epoch, past 2038 on 32-bit machines too.
func SetTime(path string, mtime int64) error { return lutimes(atFDCWD, path, mtime) }

// lutimes sets the modification time of name, which may be a symbolic link.
func lutimes(dirfd int, name string, mtime int64) error {
	n, err := syscall.BytePtrFromString(name)
	if err != nil {
		return err
	}
	return utimens(dirfd, unsafe.Pointer(n), mtime, atSymlinkNoFollow)
}

// futimes sets the modification time of an open file.
func futimes(fd int, mtime int64) error { return utimens(fd, nil, mtime, 0) }

// SetXattr sets an extended attribute of the file at path, which may be a symbolic
// link.
func SetXattr(path, name, value string) error {
	p, err := syscall.BytePtrFromString(path)
	if err != nil {
		return err
	}
	n, err := syscall.BytePtrFromString(name)
	if err != nil {
		return err
	}
	return errno(syscall.RawSyscall6(syscall.SYS_LSETXATTR, uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(n)),
		uintptr(unsafe.Pointer(unsafe.StringData(value))), uintptr(len(value)), 0, 0))
}

func errno(_, _ uintptr, e syscall.Errno) error {
	if e != 0 {
		return e
	}
	return nil
}
