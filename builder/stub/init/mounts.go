//go:build linux

package main

import (
	"strings"
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/stub/bootplan"
)

// moveMounts moves what is mounted on rootfs already into the new root.
func (b *boot) moveMounts() error {
	if b.newroot == "" {
		return nil
	}
	root := ""
	for _, m := range b.mounts {
		if m.target == "/" {
			root = m.id
		}
	}
	for _, m := range b.mounts {
		if m.parent != root || m.target == "/" || strings.HasPrefix(m.target, "/"+bootplan.Dir+"/") {
			continue
		}
		to, err := resolveDir(b.newroot, m.target)
		if err != nil {
			return failure("make mount point", b.newroot+m.target, err)
		}
		if err := syscall.Mount(m.target, b.newroot+to, "", syscall.MS_MOVE, ""); err != nil {
			return failure("move mount "+m.target+" to", b.newroot+to, err)
		}
	}
	return nil
}

// makeMounts makes the mounts of init.mounts, except where one was moved to.
func (b *boot) makeMounts() error {
	for _, m := range b.plan.Mounts {
		if b.isMounted(m.Target) {
			continue
		}
		to, err := resolveDir(b.newroot, m.Target)
		if err != nil {
			return failure("make mount point", m.Target, err)
		}
		flags, data := mountOptions(m.Options)
		source := m.Source
		if strings.HasPrefix(source, "/") { // a device, or what is bound
			if real, err := resolve(b.newroot, source); err == nil {
				source = b.newroot + real
			}
		}
		err = syscall.Mount(source, b.newroot+to, m.Type, flags, data)
		if err == nil && flags&syscall.MS_BIND != 0 && flags&^(syscall.MS_BIND|syscall.MS_REC) != 0 {
			// Binding ignores all other flags, so that ro takes a second step.
			err = syscall.Mount("", b.newroot+to, "", syscall.MS_REMOUNT|flags&^syscall.MS_REC, "")
		}
		if err != nil {
			return hint(failure("mount "+m.Type+" on", m.Target, err),
				"the kernel may lack this file system or one of the options "+m.Options)
		}
	}
	return nil
}

func (b *boot) isMounted(target string) bool {
	for _, m := range b.mounts {
		if m.target == target {
			return true
		}
	}
	return false
}

// mountFlags are the options that mount(2) takes as flags, by their names in
// mount(8).
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

// mountOptions splits options into flags and what the file system reads itself.
func mountOptions(options string) (flags uintptr, data string) {
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
