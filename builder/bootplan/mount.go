//go:build linux

package bootplan

import (
	"strings"
	"syscall"
)

// mountFlags are the options that mount(2) takes as flags, by their names in mount(8).
var mountFlags = [...]struct {
	name string
	flag uintptr
}{
	{"ro", syscall.MS_RDONLY}, {"nosuid", syscall.MS_NOSUID}, {"nodev", syscall.MS_NODEV}, {"noexec", syscall.MS_NOEXEC},
	{"sync", syscall.MS_SYNCHRONOUS}, {"dirsync", syscall.MS_DIRSYNC}, {"noatime", syscall.MS_NOATIME},
	{"nodiratime", syscall.MS_NODIRATIME}, {"relatime", syscall.MS_RELATIME}, {"strictatime", syscall.MS_STRICTATIME},
	{"bind", syscall.MS_BIND}, {"rbind", syscall.MS_BIND | syscall.MS_REC},
	{"rw", 0}, {"defaults", 0}, {"suid", 0}, {"dev", 0}, {"exec", 0}, {"async", 0}, {"atime", 0},
}

// MountOptions splits the comma-separated options of a mount into the flags of mount(2) and the
// data for the file system.
func MountOptions(options string) (flags uintptr, data string) {
next:
	for _, o := range strings.Split(options, ",") {
		for _, f := range mountFlags {
			if f.name == o {
				flags |= f.flag
				continue next
			}
		}
		if data != "" {
			data += ","
		}
		data += o
	}
	return flags, data
}

// BindFlags returns the flags for the second mount(2) of a bind mount, and whether that call is
// needed. The first call ignores all flags but MS_REC.
func BindFlags(flags uintptr) (uintptr, bool) {
	bound := flags&syscall.MS_BIND != 0 && flags&^(syscall.MS_BIND|syscall.MS_REC) != 0
	return syscall.MS_REMOUNT | flags&^syscall.MS_REC, bound
}
