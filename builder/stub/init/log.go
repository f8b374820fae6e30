//go:build linux

package main

import (
	"strconv"
	"strings"
	"syscall"
)

// Levels of kmsg lines, from the kernel's kern_levels.h.
const (
	levelErr     = "<3>"
	levelWarning = "<4>"
	levelInfo    = "<6>"
)

// log writes one line to the kernel's log, or to the console if there is none.
func (b *boot) log(level, msg string) {
	msg = "mkinitfs: " + msg + "\n"
	if b.kmsg < 0 || write(b.kmsg, level+msg) != nil {
		write(2, msg)
	}
}

func (b *boot) warn(msg string) { b.log(levelWarning, msg) }

// summary writes the only line of a boot without trouble.
func (b *boot) summary() {
	msg := b.mounted
	if b.entries > 0 {
		msg += ", " + strconv.FormatInt(b.entries, 10) + " entries by " + strconv.Itoa(b.workers) + " workers"
	}
	if n := b.freed.Load(); n > 0 {
		msg += ", " + mib(n) + " of rootfs freed"
	}
	b.log(levelInfo, msg+", "+strconv.FormatInt(now()-b.started, 10)+" ms; starting "+strings.Join(b.argv, " "))
}

// fault is an operation on something that failed.
type fault struct {
	op, path string
	err      error
}

func (f *fault) Error() string { return f.op + " " + f.path + ": " + f.err.Error() }

func (f *fault) Unwrap() error { return f.err }

// failure returns a fault, nil if err is nil. It is called from so many places
// that inlining it would cost 10 KB.
//
//go:noinline
func failure(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &fault{op, path, err}
}

// hinted is an error with advice.
type hinted struct {
	error
	hint string
}

func (e *hinted) Unwrap() error { return e.error }

//go:noinline
func hint(err error, advice string) error { return &hinted{err, advice} }

// fail says what went wrong, on the console and in the kernel's log, and then
// does what on_error asks for. It does not return.
func (b *boot) fail(what string, err error) {
	lines := []string{what + ": " + err.Error()}
	if h, ok := err.(*hinted); ok {
		lines = append(lines, "hint: "+h.hint)
	}
	action := b.onError()
	switch action {
	case "reboot", "poweroff":
		lines = append(lines, action+" in 5 seconds")
	case "shell":
		lines = append(lines, "starting a shell")
	}
	b.say(levelErr, lines...)
	switch action {
	case "reboot":
		reboot(syscall.LINUX_REBOOT_CMD_RESTART)
	case "poweroff":
		reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
	case "shell":
		b.shell()
	}
	panicKernel()
}

// panicKernel ends the first process, so that the kernel panics and follows its panic=.
func panicKernel() {
	sleep(syscall.Timespec{Nsec: 200e6}) // until the console has what was said
	syscall.Exit(1)
}

func (b *boot) onError() string {
	if a := b.words.onError; a != "" {
		return a
	}
	return b.plan.OnError
}

// say puts lines on the console and into the kernel's log, one after the other: on a serial
// console the kernel's lines would break into ours.
func (b *boot) say(level string, lines ...string) {
	if b.kmsg >= 0 {
		for _, l := range lines {
			write(b.kmsg, level+"mkinitfs: "+l+"\n")
		}
	}
	for _, l := range lines {
		write(2, "mkinitfs: "+l+"\n")
	}
}

func sleep(left syscall.Timespec) {
	for syscall.Nanosleep(&left, &left) == syscall.EINTR {
	}
}

func reboot(how int) {
	sleep(syscall.Timespec{Sec: 5})
	syscall.Sync()
	syscall.Reboot(how)
}
