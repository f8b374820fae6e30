//go:build linux

package container

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// forwarded are the signals that are passed on.
var forwarded = []os.Signal{
	syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH,
}

// process is the first process of the new PID namespace.
type process struct{ cmd *exec.Cmd }

// forward passes on the signals that arrive. The kernel does not deliver a signal to the first
// process of a PID namespace that has no handler for it. If the default of that signal is to
// end a process, forward kills the process. The returned function then returns that signal,
// else 0.
func (p *process) forward(signals <-chan os.Signal) func() syscall.Signal {
	var killed atomic.Int64
	go func() {
		for s := range signals {
			sig := s.(syscall.Signal)
			if deadly := sig != syscall.SIGWINCH; deadly && !p.minds(sig) {
				killed.CompareAndSwap(0, int64(sig))
				p.cmd.Process.Kill()
				continue
			}
			if (sig == syscall.SIGINT || sig == syscall.SIGQUIT) && inForeground() {
				continue // the terminal has sent it to both
			}
			p.cmd.Process.Signal(sig)
		}
	}()
	return func() syscall.Signal { return syscall.Signal(killed.Load()) }
}

// minds reports whether the process catches, ignores or blocks a signal. It returns true for a
// process that has ended.
func (p *process) minds(sig syscall.Signal) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return true
	}
	return minds(string(status), sig)
}

// minds reads /proc/PID/status, proc_pid_status(5).
func minds(status string, sig syscall.Signal) bool {
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		if !slices.Contains([]string{"SigCgt", "SigIgn", "SigBlk"}, name) {
			continue
		}
		set, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		if err != nil || set>>(sig-1)&1 == 1 {
			return true
		}
	}
	return false
}

// inForeground reports whether the terminal sends its signals to this process.
func inForeground() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// exitStatus returns the status that a shell would show. A PID namespace that calls reboot(2)
// ends as if by SIGINT (halt, power off) or SIGHUP (restart). Its first process cannot die of
// these otherwise (kernel/pid_namespace.c, reboot_pid_ns), so that is a success. killed is the
// signal for which forward killed the process, or 0.
func exitStatus(w syscall.WaitStatus, killed syscall.Signal) int {
	switch {
	case !w.Signaled():
		return w.ExitStatus()
	case killed != 0 && w.Signal() == syscall.SIGKILL:
		return 128 + int(killed)
	case w.Signal() == syscall.SIGINT || w.Signal() == syscall.SIGHUP:
		return 0
	}
	return 128 + int(w.Signal())
}
