package qemu

import (
	"os/exec"
	"syscall"
)

// ownGroup makes cmd lead a process group that its context kills as a whole,
// so that nothing is left of a QEMU behind a wrapper script. The terminal's
// Ctrl-C does not reach that group: only the context ends it, or our own death.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
