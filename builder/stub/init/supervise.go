//go:build linux && stub_supervise

package main

import (
	"slices"
	"strings"
	"syscall"
	"unsafe"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// A stub that supervises starts itself a second time once the root stands, which gives back
// the memory that unpacking took. Its file is gone by then. Only /proc/self/exe is left, in a
// /proc that is mounted nowhere any more.

const supervises = true

// secondLife is the variable that has a plan for the second life: how to supervise, and the
// program's user and directory. Its arguments are the program's.
const secondLife = "MKINITFS_SUPERVISE"

// What the second life finds open, where nothing else is.
const (
	inheritedKmsg = 100 + iota
	inheritedSelf
)

// startProgram starts the program, from the stub's second life if there can be one.
func (b *boot) startProgram() error {
	b.summary()
	syscall.Umask(b.umask)
	env := environment(syscall.Environ(), b.plan)
	b.attempt("exec", "/proc/self/exe", b.again(env))
	b.supervise(env)
	return nil
}

// again returns only if it fails.
func (b *boot) again(env []string) error {
	if err := syscall.Dup3(b.self, inheritedSelf, 0); err != nil {
		return err
	}
	if err := syscall.Fchdir(b.self); err != nil {
		return err
	}
	if b.kmsg >= 0 {
		if err := syscall.Dup3(b.kmsg, inheritedKmsg, 0); err != nil {
			return err
		}
	}
	how := bootplan.Plan{
		OnExit: b.plan.OnExit, Delay: b.plan.Delay, OnError: b.onError(),
		User: b.plan.User, Groups: b.plan.Groups, Workdir: b.plan.Workdir,
	}
	return syscall.Exec("exe", append([]string{"mkinitfs"}, b.argv...), append([]string{secondLife + "=" + string(how.Marshal())}, env...))
}

// resume runs the second life if this is one.
func (b *boot) resume() {
	value, _ := syscall.Getenv(secondLife)
	plan, err := bootplan.Parse([]byte(value))
	argv := arguments("cmdline") // it starts in /proc/self
	if err != nil || len(argv) == 0 || syscall.Getpid() != 1 {
		return
	}
	const setName = 15 // from the kernel's uapi/linux/prctl.h
	name := []byte("mkinitfs\x00")
	syscall.RawSyscall(syscall.SYS_PRCTL, setName, uintptr(unsafe.Pointer(&name[0])), 0)
	b.kmsg, b.self = inheritedKmsg, inheritedSelf
	b.plan, b.program, b.argv = plan, argv[0], argv
	b.supervise(slices.DeleteFunc(syscall.Environ(), func(v string) bool {
		return strings.HasPrefix(v, secondLife+"=")
	}))
}
