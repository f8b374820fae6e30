//go:build linux && stub_supervise

package main

import (
	"runtime"
	"strconv"
	"syscall"
)

// supervisor is the first process around the program.
type supervisor struct {
	*boot
	env     []string
	signals chan syscall.Signal

	pid   int             // of the program, 0 while it does not run
	alone bool            // there is no child
	since int64           // when the program was started, in seconds of uptime
	delay int64           // milliseconds until the next restart
	due   <-chan struct{} // is closed when the program is to be started again
}

const (
	longestDelay = 60_000 // milliseconds between an end and the restart
	goodRun      = 60     // seconds after which the delay is the first one again
	grace        = 10_000 // milliseconds that the program has for SIGTERM
	killed       = 2_000  // milliseconds that everything else has for SIGKILL
)

// supervise runs the program until the machine ends. It does not return.
func (b *boot) supervise(env []string) {
	syscall.CloseOnExec(inheritedKmsg) // also where the second life has failed to begin
	syscall.CloseOnExec(inheritedSelf)
	s := &supervisor{boot: b, env: env, signals: make(chan syscall.Signal), delay: b.plan.Delay}
	for _, r := range requests {
		signalEnable(uint32(r.sig))
	}
	go s.listen()
	// The kernel is to send SIGINT on Ctrl-Alt-Del, and not to reset the machine.
	syscall.Reboot(syscall.LINUX_REBOOT_CMD_CAD_OFF)
	s.attempt("chdir", "/", syscall.Chdir("/"))
	s.start()
	for {
		select {
		case sig := <-s.signals:
			s.signal(sig)
		case <-s.due:
			s.start()
		}
	}
}

// start starts the program in a session of its own, with the console as its terminal if the
// console is one.
func (s *supervisor) start() {
	s.due, s.since = nil, uptime()
	err := s.openConsole()
	if err == nil {
		err = enterDir(s.plan.Workdir)
	}
	if err == nil {
		sys := &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if u := s.plan.User; u != nil {
			s.attempt("chown", "the console", giveConsole(u.UID))
			sys.Credential = &syscall.Credential{Uid: u.UID, Gid: u.GID, Groups: s.plan.Groups}
		}
		attr := &syscall.ProcAttr{Env: s.env, Files: []uintptr{0, 1, 2}, Sys: sys}
		s.pid, err = syscall.ForkExec(s.program, s.argv, attr)
		if err != nil {
			sys.Setctty = false
			s.pid, err = syscall.ForkExec(s.program, s.argv, attr)
		}
		s.attempt("chdir", "/", syscall.Chdir("/")) // keep no mount busy
	}
	if err != nil {
		s.ended("did not start (" + err.Error() + ")")
	}
}

// reap collects every child that has ended, orphans included. It reports how the program ended
// if it is among them.
func (s *supervisor) reap() (how string) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
		case pid <= 0:
			s.alone = err != nil // ECHILD
			return how
		case pid == s.pid:
			s.pid = 0
			how = "exited with status " + strconv.Itoa(status.ExitStatus())
			if status.Signaled() {
				how = "was ended by signal " + strconv.Itoa(int(status.Signal()))
			}
		}
	}
}

// ended does what the plan says about the program's end.
func (s *supervisor) ended(how string) {
	s.pid = 0
	ran := uptime() - s.since
	how = s.program + " " + how + " after " + strconv.FormatInt(ran, 10) + " s"
	switch s.plan.OnExit {
	case "restart":
		if ran >= goodRun {
			s.delay = s.plan.Delay
		}
		s.warn(how + "; restarting in " + strconv.FormatInt(s.delay, 10) + " ms")
		s.due = after(s.delay)
		s.delay = min(2*s.delay, longestDelay)
		runtime.GC() // stay small
	case "panic":
		s.log(levelErr, how)
		panicKernel()
	default:
		s.warn(how)
		s.shutdown(s.plan.OnExit)
	}
}

// wait collects children until done returns true, or for ms milliseconds.
func (s *supervisor) wait(ms int64, done func() bool) {
	late := after(ms)
	for s.reap(); !done(); s.reap() {
		select {
		case <-s.signals:
		case <-late:
			return
		}
	}
}

func after(ms int64) <-chan struct{} {
	c := make(chan struct{})
	go func() {
		sleep(syscall.NsecToTimespec(ms * 1e6))
		close(c)
	}()
	return c
}

// uptime returns seconds since boot. The time of day may be set while the program runs.
func uptime() int64 {
	var info syscall.Sysinfo_t
	syscall.Sysinfo(&info)
	return int64(info.Uptime)
}
