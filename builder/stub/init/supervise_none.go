//go:build linux && !stub_supervise

package main

import "syscall"

const supervises = false

func (b *boot) resume() {}

// startProgram becomes the program.
func (b *boot) startProgram() error {
	b.summary()
	syscall.Umask(b.umask)
	err := syscall.Exec(b.program, b.argv, environment(syscall.Environ(), b.plan.Env))
	return hint(failure("exec", b.program, err), "the kernel may lack CONFIG_BINFMT_ELF or CONFIG_BINFMT_SCRIPT, or what the program was compiled for")
}
