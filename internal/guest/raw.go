//go:build linux

package main

import (
	"errors"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/internal/guest/report"
)

// rawWord makes this program open a raw socket and end, with the errno as its exit
// status. That takes CAP_NET_RAW.
const rawWord = "open-a-raw-socket"

func openRaw() int {
	_, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)
	if errno, ok := errors.AsType[unix.Errno](err); ok {
		return int(errno)
	}
	return 0
}

// raws executes every file with capabilities as nobody. These should be copies of this
// program. It also executes this program, which has none.
func raws(r *report.Report, self string) {
	var paths []string
	for _, e := range r.Entries {
		if e.Xattrs["security.capability"] != "" {
			paths = append(paths, e.Path)
		}
	}
	if paths == nil {
		return
	}
	for _, path := range append(paths, self) {
		cmd := exec.Command(path, rawWord)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		result := ""
		err := cmd.Run()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = syscall.Errno(exit.ExitCode())
		}
		if err != nil {
			result = err.Error()
		}
		r.Raw = append(r.Raw, report.Raw{Path: path, Result: result})
	}
}
