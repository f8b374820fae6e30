package source

import (
	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// lookAt fills in info for the file called name in an open directory, or unix.AT_FDCWD.
func lookAt(dir int, name string, follow bool, info *unix.Stat_t) error {
	flags := unix.AT_SYMLINK_NOFOLLOW
	if follow {
		flags = 0
	}
	return again(func() error { return unix.Fstatat(dir, name, info, flags) })
}

// again repeats a call while a signal interrupts it. That happens on file systems with a server
// in user space, because Go sends signals to itself.
func again(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// stamp returns the state of a file, to compare with a later one.
func stamp(info *unix.Stat_t) plan.Stamp {
	return plan.Stamp{Inode: info.Ino, MTime: info.Mtim.Nano()}
}

// closed reports whether some users may not read a file.
func closed(info *unix.Stat_t) bool { return info.Mode&0o004 == 0 }

// readable checks early that a file can be read. The error would otherwise stop the build
// when most of the image is written.
func readable(path string, info *unix.Stat_t) error {
	if !closed(info) {
		return nil
	}
	return unix.Access(path, unix.R_OK)
}
