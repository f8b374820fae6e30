//go:build linux

// Guest is an init for test images: it inspects the machine, writes a report on the console
// (see internal/guest/report) and powers off.
//
// It changes nothing until the whole root is listed. Then it makes a directory /.guest to
// mount proc on, for the nonce that the host put on the kernel's command line as
// mkinitfs.nonce=WORD.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/internal/guest/report"
)

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case rawWord:
			os.Exit(openRaw())
		case probeWord:
			os.Exit(probe())
		case showWord:
			os.Exit(show(os.Args[2:]))
		}
	}
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "guest: not process 1: it would power off this machine")
		os.Exit(1)
	}

	var r report.Report
	var problems []string
	try := func(what string, err error) {
		if err != nil {
			problems = append(problems, what+": "+err.Error())
		}
	}
	try("measure", measure(&r))
	try("list /", list(&r))
	try("proc", lookIntoProc(&r))
	r.Args = os.Args
	r.Env = os.Environ()
	raws(&r, os.Args[0])
	if err := pivot(); err != nil {
		r.Pivot = err.Error()
	}

	var err error
	if r.Beneath, r.BeneathWrite, err = dig(); err != nil {
		r.BeneathWrite = err.Error()
	}

	send(r.Format(problems))
	unix.Sync()
	err = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	fmt.Println("guest: power off:", err) // the kernel panics when we return
}

// measure takes the time and the memory.
func measure(r *report.Report) error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return err
	}
	r.Uptime = time.Duration(now.Nano())
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return err
	}
	r.Total = int64(info.Totalram) * int64(info.Unit)
	r.Free = int64(info.Freeram) * int64(info.Unit)
	return nil
}

// nonce finds our word on the kernel's command line.
func nonce(cmdline string) string {
	for word := range strings.FieldsSeq(cmdline) {
		if value, found := strings.CutPrefix(word, "mkinitfs.nonce="); found {
			return value
		}
	}
	return ""
}
