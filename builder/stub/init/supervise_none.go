//go:build linux && !stub_supervise

package main

import "syscall"

const supervises = false

func (b *boot) resume() {}

// startProgram becomes the program.
func (b *boot) startProgram() error {
	b.summary()
	if err := enterDir(b.plan.Workdir); err != nil {
		return err
	}
	syscall.Umask(b.umask)
	env := environment(syscall.Environ(), b.plan)
	u := b.plan.User
	if u == nil {
		err := syscall.Exec(b.program, b.argv, env)
		return hint(failure("exec", b.program, err), "the kernel may lack CONFIG_BINFMT_ELF or CONFIG_BINFMT_SCRIPT, or what the program was compiled for")
	}
	b.attempt("chown", "the console", giveConsole(u.UID))
	return hint(execAs(u, b.plan.Groups, b.program, b.argv, env),
		"init.user has to be allowed to execute the program and to search the directories above it, and the kernel needs CONFIG_MULTIUSER")
}
