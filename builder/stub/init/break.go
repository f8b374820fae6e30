//go:build linux

package main

import (
	"runtime"
	"syscall"
	"unsafe"
)

const sh = "/bin/sh"

// checkWords warns of words for the stub that it does not know.
func (b *boot) checkWords() {
	switch b.words.onError {
	case "", "panic", "reboot", "poweroff", "shell":
	default:
		b.warn("mkinitfs.on_error=" + b.words.onError + " ignored: it is one of panic reboot poweroff shell")
		b.words.onError = ""
	}
	known := "" // a word that is not given is that of most steps
	for _, steps := range [...][]step{onto(b.plan.Root), last} {
		for _, s := range steps {
			if s.word == b.words.pause {
				return
			}
			if s.word != "" {
				known += " " + s.word
			}
		}
	}
	b.warn("mkinitfs.break=" + b.words.pause + " ignored: it is one of" + known)
}

// pause runs a shell before a step that mkinitfs.break= names.
func (b *boot) pause(s step) {
	if s.word == "" || s.word != b.words.pause {
		return
	}
	root := b.shellRoot()
	if err := checkProgram(root, sh); err != nil {
		b.warn("no break before " + s.word + ": " + err.Error())
		return
	}
	b.say(levelWarning, "break before "+s.word+": the boot goes on when the shell ends")
	syscall.Umask(b.umask)
	pid, err := startShell(root + "/")
	syscall.Umask(0)
	for err == nil || err == syscall.EINTR {
		var done int
		if done, err = syscall.Wait4(pid, nil, 0, nil); done == pid {
			return
		}
	}
	b.warn("run " + sh + ": " + err.Error())
}

// startShell starts the shell of a root on the console. The console becomes its
// controlling terminal, if it is one, for job control and ^C. syscall.ForkExec
// would do it for 35 KB.
func startShell(root string) (int, error) {
	dir, err := syscall.BytePtrFromString(root)
	if err != nil {
		return 0, err
	}
	path, err := syscall.BytePtrFromString(sh)
	if err != nil {
		return 0, err
	}
	env, err := syscall.SlicePtrFromStrings(syscall.Environ())
	if err != nil {
		return 0, err
	}
	pid, e := forkShell(dir, path, &[...]*byte{path, nil}, &env[0])
	if e != 0 {
		return 0, e
	}
	return int(pid), nil
}

// forkShell forks. The child is a copy of this thread alone and may only make system calls:
// the locks of other threads are never released in it.
//
//go:nosplit
//go:norace
func forkShell(root, path *byte, argv *[2]*byte, env **byte) (uintptr, syscall.Errno) {
	flags, stack := uintptr(syscall.SIGCHLD), uintptr(0)
	if runtime.GOARCH == "s390x" {
		flags, stack = stack, flags
	}
	pid, _, err := syscall.RawSyscall6(syscall.SYS_CLONE, flags, stack, 0, 0, 0, 0)
	if err != 0 || pid != 0 {
		return pid, err
	}
	syscall.RawSyscall(syscall.SYS_CHDIR, uintptr(unsafe.Pointer(root)), 0, 0)
	syscall.RawSyscall(syscall.SYS_CHROOT, uintptr(unsafe.Pointer(root)), 0, 0)
	syscall.RawSyscall(syscall.SYS_SETSID, 0, 0, 0)
	syscall.RawSyscall(syscall.SYS_IOCTL, 0, syscall.TIOCSCTTY, 0)
	syscall.RawSyscall(syscall.SYS_EXECVE, uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(argv)), uintptr(unsafe.Pointer(env)))
	for {
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 127, 0, 0)
	}
}

// shellRoot returns the new root if it has a shell already, else "", which is rootfs.
func (b *boot) shellRoot() string {
	if b.newroot != "" && checkProgram(b.newroot, sh) == nil {
		return b.newroot
	}
	return ""
}

// shell replaces this process by the shell.
func (b *boot) shell() {
	if syscall.Chroot(b.shellRoot()+"/") == nil {
		syscall.Chdir("/")
	}
	syscall.Umask(b.umask)
	err := syscall.Exec(sh, []string{sh}, syscall.Environ())
	b.say(levelErr, "exec "+sh+": "+err.Error())
}
