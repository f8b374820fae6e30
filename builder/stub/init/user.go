//go:build linux

package main

import (
	"runtime"
	"syscall"
	"unsafe"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// makeDir makes a directory and those above it if they are missing, with mode 0755, below root.
func makeDir(root, path string) error {
	at, err := resolveDir(root, path)
	if err == nil {
		var st syscall.Stat_t
		err = syscall.Stat(root+at+"/", &st)
	}
	return failure("enter", path, err)
}

// enterDir enters the directory that a program starts in, "" for /. It does so as root, so the
// mode does not matter. A program that ran before may have removed the directory.
func enterDir(path string) error {
	if path == "" {
		return nil
	}
	if err := makeDir("", path); err != nil {
		return err
	}
	return failure("enter", path, syscall.Chdir(path))
}

// giveConsole makes a user the owner of the console, as runc does. Otherwise the program could
// not open it again. The group stays.
func giveConsole(uid uint32) (err error) {
	const null = 1<<8 | 3 // device 1:3
	for fd := range 3 {
		var st syscall.Stat_t
		if syscall.Fstat(fd, &st) != nil || kind(&st) != syscall.S_IFCHR || st.Rdev == null {
			continue
		}
		if e := syscall.Fchown(fd, int(uid), int(st.Gid)); e != nil {
			err = e
		}
	}
	return err
}

// execAs executes a program as a user. In the kernel a thread has ids, and execve(2) takes those
// of the thread that calls it. So if it fails, other threads are still root and can do what
// on_error says.
func execAs(u *bootplan.User, groups []uint32, program string, argv, env []string) error {
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread ends with this goroutine
		if err := setIDs(u, groups); err != 0 {
			failed <- failure("become", "init.user", err)
			return
		}
		failed <- failure("exec", program, syscall.Exec(program, argv, env))
	}()
	return <-failed
}

// setIDs gives the calling thread the ids of a user.
func setIDs(u *bootplan.User, groups []uint32) syscall.Errno {
	setgroups, setgid, setuid := uintptr(syscall.SYS_SETGROUPS), uintptr(syscall.SYS_SETGID), uintptr(syscall.SYS_SETUID)
	if runtime.GOARCH == "386" || runtime.GOARCH == "arm" { // these take ids of 16 bits there
		setgroups, setgid, setuid = 206, 214, 213 // setgroups32, setgid32, setuid32
	}
	_, _, err := syscall.RawSyscall(setgroups, uintptr(len(groups)), uintptr(unsafe.Pointer(unsafe.SliceData(groups))), 0)
	if err == 0 {
		_, _, err = syscall.RawSyscall(setgid, uintptr(u.GID), 0, 0)
	}
	if err == 0 {
		_, _, err = syscall.RawSyscall(setuid, uintptr(u.UID), 0, 0)
	}
	return err
}
