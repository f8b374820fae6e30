//go:build linux && stub_supervise

package main

import (
	"strconv"
	"syscall"
	_ "unsafe" // for linkname
)

// Go's runtime ends the process on most signals, and installs its handlers before main.
// Package os/signal changes that, but brings 200 KB of other packages. These are the functions
// that the runtime provides for it. They were booted with Go 1.24.11, 1.25.5, 1.26.8 and
// 1.27rc1.

//go:linkname signalEnable os/signal.signal_enable
func signalEnable(uint32)

//go:linkname signalReceive os/signal.signal_recv
func signalReceive() uint32

// sigRTMin is SIGRTMIN as glibc has it.
const sigRTMin = syscall.Signal(34)

// requests are the meanings of signals to the first process. Those that end the machine are
// busybox's (init/halt.c), the kernel's on Ctrl-Alt-Del, sysvinit's on power failure, and
// systemd's (org.freedesktop.systemd1, "Signals").
var requests = [...]struct {
	sig  syscall.Signal
	what string
}{
	{syscall.SIGCHLD, "reap"},
	{syscall.SIGTERM, "reboot"},
	{syscall.SIGINT, "reboot"},
	{syscall.SIGUSR1, "halt"},
	{syscall.SIGUSR2, "poweroff"},
	{syscall.SIGPWR, "poweroff"},
	{sigRTMin + 3, "halt"},
	{sigRTMin + 4, "poweroff"},
	{sigRTMin + 5, "reboot"},
	{syscall.SIGHUP, "pass on"},
	{syscall.SIGQUIT, "pass on"},
	{syscall.SIGWINCH, "pass on"},
	{syscall.SIGABRT, "ignore"}, // else the runtime ends the process
}

func (s *supervisor) listen() {
	for {
		s.signals <- syscall.Signal(signalReceive())
	}
}

// signal does what a signal asks for.
func (s *supervisor) signal(sig syscall.Signal) {
	for _, r := range requests {
		if r.sig != sig {
			continue
		}
		switch r.what {
		case "ignore":
		case "reap":
			if how := s.reap(); how != "" {
				s.ended(how)
			}
		case "pass on":
			if s.pid != 0 {
				syscall.Kill(s.pid, sig)
			}
		default:
			s.log(levelInfo, "signal "+strconv.Itoa(int(sig))+": "+r.what)
			s.shutdown(r.what)
		}
	}
}

// shutdown ends the program, then everything else, then the machine.
func (s *supervisor) shutdown(how string) {
	if s.pid != 0 {
		syscall.Kill(s.pid, syscall.SIGTERM)
		syscall.Kill(s.pid, syscall.SIGCONT) // it may be stopped
		s.wait(grace, func() bool { return s.pid == 0 })
		if s.pid != 0 {
			s.warn(s.program + " does not end by SIGTERM; it is killed")
		}
	}
	syscall.Kill(-1, syscall.SIGKILL)
	s.wait(killed, func() bool { return s.alone })
	syscall.Sync()
	s.unmount()
	command := uint32(syscall.LINUX_REBOOT_CMD_RESTART)
	switch how {
	case "poweroff":
		command = syscall.LINUX_REBOOT_CMD_POWER_OFF
	case "halt":
		command = syscall.LINUX_REBOOT_CMD_HALT
	}
	if err := syscall.Reboot(int(command)); err != nil {
		s.fail(how, err)
	}
}

// unmount unmounts file systems, last to first, and makes those in use read-only. The root is
// memory, so it stays.
func (s *supervisor) unmount() {
	if syscall.Fchdir(s.self) != nil {
		return
	}
	text, err := readFile("mountinfo")
	if err != nil {
		return
	}
	mounts := parseMounts(string(text), "/")
	for i := len(mounts) - 1; i >= 0; i-- {
		target := mounts[i].target
		if syscall.Unmount(target, 0) != nil {
			syscall.Mount("", target, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
		}
	}
}
