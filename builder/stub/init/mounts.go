//go:build linux

package main

import (
	"strings"
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// makePrivate makes all mounts private. An earlier init may have shared them, as systemd does,
// and a mount below a shared one cannot be moved.
func (b *boot) makePrivate() error {
	b.attempt("make private", "the mounts of rootfs", syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
	return nil
}

// moveMounts moves the mounts that an earlier init made on rootfs into the new root, with the
// mounts below them. It begins with the last one, which lies under no other. A mount that
// shows a part of rootfs cannot stay, because rootfs is emptied.
func (b *boot) moveMounts() error {
	root, moved := b.mountAt("/"), ""
	if b.newroot == "" || root == nil {
		return nil
	}
	for i := len(b.mounts) - 1; i >= 0; i-- {
		m := &b.mounts[i]
		if m.parent != root.id || m.target == "/" || strings.HasPrefix(m.target, "/"+bootplan.Dir+"/") {
			continue
		}
		from, why := m.target, "it shows a part of rootfs"
		m.target = ""
		if b.plan.Root != "tmpfs" || !onRootfs(from) {
			to, err := b.mountPoint(from)
			if err != nil {
				return err
			}
			if err := syscall.Mount(from, b.newroot+to, "", syscall.MS_MOVE, ""); err != nil {
				return failure("move mount "+from+" to", b.newroot+to, err)
			}
			m.target = to
			moved, why = " "+from+moved, "it is under another one"
		}
		for syscall.Unmount(from, syscall.MNT_DETACH) == nil {
			b.warn("mount on " + from + " dropped: " + why)
		}
	}
	if moved != "" {
		b.log(levelInfo, "mounts moved from rootfs:"+moved)
	}
	return nil
}

// onRootfs reports whether path is on rootfs, which is still /.
func onRootfs(path string) bool {
	var st, root syscall.Stat_t
	return syscall.Lstat(path, &st) == nil && syscall.Lstat("/", &root) == nil && st.Dev == root.Dev
}

// mountPoint returns the path in the new root, and makes a directory there if it is missing.
func (b *boot) mountPoint(path string) (string, error) {
	to, err := resolveDir(b.newroot, path)
	return to, failure("make mount point", path, err)
}

// makeMounts makes the mounts of init.mounts. Those of a file system that the kernel does not
// know wait if modules will be loaded.
func (b *boot) makeMounts() error {
	for _, m := range b.plan.Mounts {
		err := error(syscall.ENODEV)
		if !b.waits(m) {
			err = b.makeMount(m)
		}
		if err == syscall.ENODEV && len(b.plan.Modules) > 0 {
			b.late = append(b.late, m)
			continue
		}
		if err != nil {
			return mountFailure(m, err)
		}
	}
	return nil
}

// makeWorkdir makes the directory that the program starts in, if it is missing, as runc does. It
// may lie on one of the mounts.
func (b *boot) makeWorkdir() error {
	if b.plan.Workdir == "" {
		return nil
	}
	return makeDir(b.newroot, b.plan.Workdir)
}

// mountFailure returns the error of a mount of init.mounts. An error without an operation is
// that of mount(2).
func mountFailure(m bootplan.Mount, err error) error {
	if errno, ok := err.(syscall.Errno); ok {
		return hint(failure("mount "+m.Type+" on", m.Target, errno),
			"the kernel may lack this file system or one of the options "+m.Options)
	}
	return err
}

// makeMount makes a mount of init.mounts, unless something is mounted there already.
func (b *boot) makeMount(m bootplan.Mount) error {
	to, err := b.mountPoint(m.Target)
	if err != nil {
		return err
	}
	if have := b.mountAt(to); have != nil {
		if have.fstype != m.Type {
			b.warn("mount " + m.Type + " on " + to + " left out: it has a " + have.fstype)
		}
		return nil
	}
	flags, data := bootplan.MountOptions(m.Options)
	source := m.Source
	if strings.HasPrefix(source, "/") { // a device, or what is bound
		if real, err := resolve(b.newroot, source); err == nil {
			source = b.newroot + real
		}
	}
	err = syscall.Mount(source, b.newroot+to, m.Type, flags, data)
	if again, needed := bootplan.BindFlags(flags); err == nil && needed {
		err = syscall.Mount("", b.newroot+to, "", again, "")
	}
	return err
}

// mountAt returns what is mounted at path, nil if nothing is.
func (b *boot) mountAt(path string) *mountInfo {
	for i := len(b.mounts) - 1; i >= 0; i-- {
		if m := &b.mounts[i]; m.target == path {
			return m
		}
	}
	return nil
}
