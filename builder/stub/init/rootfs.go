//go:build linux

package main

import (
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/unpack"
)

// emptyRootfs removes everything from rootfs except the mount point of the new root, because
// nobody could reach or free that memory later. It never leaves rootfs.
func (b *boot) emptyRootfs() error {
	var st syscall.Stat_t
	if err := syscall.Lstat("/", &st); err != nil {
		return failure("stat", "/", err)
	}
	return b.empty("", uint64(st.Dev))
}

func (b *boot) empty(path string, dev uint64) error {
	names, err := readDir(path + "/")
	if err != nil {
		return failure("read", path+"/", err)
	}
	for _, name := range names {
		p := path + "/" + name
		var st syscall.Stat_t
		if err := syscall.Lstat(p, &st); err != nil {
			return failure("stat", p, err)
		}
		switch {
		case uint64(st.Dev) != dev:
		case kind(&st) == syscall.S_IFDIR:
			if err := b.empty(p, dev); err != nil {
				return err
			}
			if err := syscall.Rmdir(p); err != nil && err != syscall.EBUSY && err != syscall.ENOTEMPTY {
				return failure("rmdir", p, err)
			}
		default:
			if err := syscall.Unlink(p); err != nil {
				return failure("unlink", p, err)
			}
			if st.Nlink == 1 {
				b.freed.Add(st.Blocks * 512)
			}
		}
	}
	return nil
}

// bindRoot binds / onto a directory of itself. Unlike rootfs, the new mount can be pivoted
// from.
func (b *boot) bindRoot() error {
	b.ignoreFlags("a root of type bind has rootfs's own size and mode")
	if b.canPivot() {
		b.mounted = "root left where it is, since it can be pivoted from"
		return nil
	}
	const newroot = "/" + bootplan.Dir + "/newroot"
	if err := syscall.Mkdir(newroot, 0o700); err != nil {
		return failure("mkdir", newroot, err)
	}
	if err := syscall.Mount("/", newroot, "", syscall.MS_BIND, ""); err != nil {
		return failure("bind / to", newroot, err)
	}
	b.newroot = newroot
	b.mounted = "root bound onto itself"
	return nil
}

// cover moves the new root's mount over /. This process stays on the covered rootfs until
// enter.
func (b *boot) cover() error {
	if b.newroot == "" {
		return nil
	}
	if err := syscall.Chdir(b.newroot); err != nil {
		return failure("chdir", b.newroot, err)
	}
	return failure("move", b.newroot+" to /", syscall.Mount(".", "/", "", syscall.MS_MOVE, ""))
}

// seal removes the last of rootfs and makes its mount read-only. Every mount
// namespace inherits that mount beneath its root, and a container that unmounts /
// often enough comes upon it. The file system itself cannot be made read-only:
// this program, though deleted, still runs from it.
func (b *boot) seal() error {
	err := failure("rmdir", b.newroot, syscall.Rmdir(b.newroot))
	if err == nil {
		err = failure("rmdir", "/"+bootplan.Dir, syscall.Rmdir("/"+bootplan.Dir))
	}
	if err == nil {
		err = failure("remount", "rootfs read-only", syscall.Mount("", "/", "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, ""))
	}
	if err != nil {
		b.warn(err.Error() + "; what is beneath the root stays writable") // the root itself stands
	}
	return nil
}

// enter makes the new root the root of this process and of the kernel's threads,
// which share it.
func (b *boot) enter() error {
	if b.newroot == "" {
		return nil
	}
	b.newroot = ""
	if err := syscall.Chroot("."); err != nil {
		return failure("chroot", ".", err)
	}
	return failure("chdir", "/", syscall.Chdir("/"))
}

// restoreInit puts the own /init of a root of type bind back in the place that the stub took,
// or leaves the place empty. It runs before findProgram, because the program may be that one.
func (b *boot) restoreInit() error {
	err := syscall.Rename("/"+bootplan.Init, "/init")
	if err == syscall.ENOENT {
		err = syscall.Unlink("/init")
	}
	if err == syscall.ENOENT {
		err = nil
	}
	return failure("restore", "/init", err)
}

// removeStub removes the rest of what the builder added to a root of type bind. The root is
// complete by then, so an error is only a warning.
func (b *boot) removeStub() error {
	for _, path := range []string{bootplan.Path, bootplan.Kmsg, bootplan.Xattrs} {
		if err := syscall.Unlink("/" + path); err != syscall.ENOENT { // the last need not be there
			b.attempt("unlink", "/"+path, err)
		}
	}
	for i := len(b.plan.Last) - 1; i >= 0; i-- {
		b.attempt("rmdir", "/"+bootplan.EndName(i), syscall.Rmdir("/"+bootplan.EndName(i)))
	}
	if err := syscall.Rmdir("/" + bootplan.Dir + "/newroot"); err != syscall.ENOENT { // not made if / can be pivoted from
		b.attempt("rmdir", "/"+bootplan.Dir+"/newroot", err)
	}
	b.attempt("rmdir", "/"+bootplan.Dir, syscall.Rmdir("/"+bootplan.Dir))
	b.attempt("chmod", "/", syscall.Chmod("/", b.plan.Mode))
	b.attempt("set mtime of", "/", unpack.SetTime("/", b.plan.MTime))
	return nil
}

func (b *boot) attempt(op, path string, err error) {
	if err != nil {
		b.warn(failure(op, path, err).Error())
	}
}

// openConsole puts fds 0 to 2 on the new root's console, because the old ones keep rootfs
// busy. They stay if the root has no such device: output to a file would fill the RAM unseen.
// Without a console driver Go's runtime has put them on /dev/null.
func (b *boot) openConsole() error {
	fd, err := openDevice("/dev/console")
	if err != nil && err != syscall.ENOENT {
		fd, err = openDevice("/dev/null")
	}
	if err != nil {
		return nil
	}
	for i := range 3 {
		if fd != i {
			b.attempt("dup", "/dev/console", syscall.Dup3(fd, i, 0))
		}
	}
	if fd > 2 {
		syscall.Close(fd)
	}
	return nil
}

// openDevice opens a character device, and treats anything else as missing.
func openDevice(path string) (int, error) {
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil || kind(&st) != syscall.S_IFCHR {
		return -1, syscall.ENOENT
	}
	return syscall.Open(path, syscall.O_RDWR|syscall.O_NOCTTY, 0)
}
