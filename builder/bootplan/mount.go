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

// MountOptions splits the options of a mount, with commas between them, into the flags of
// mount(2) and what the file system reads itself.
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

// BindFlags returns the flags of the second call of mount(2) that a bind mount takes,
// because binding itself ignores all but MS_REC, and whether it is needed.
func BindFlags(flags uintptr) (uintptr, bool) {
	bound := flags&syscall.MS_BIND != 0 && flags&^(syscall.MS_BIND|syscall.MS_REC) != 0
	return syscall.MS_REMOUNT | flags&^syscall.MS_REC, bound
}
