//go:build linux

// Faults is an /init that runs before another: it makes system calls fail and then becomes
// /init, and the failures apply to all threads of that. Tests put it on rootfs and start it
// with rdinit=/faults.
//
// The variable "faults", a word of the kernel's command line, lists the failing calls,
// separated by commas. "3.10" stands for all calls that Linux 3.10 lacks. CALL=WORD=ERRNO is
// one of the calls below with WORD as its path or type of file system, as in
// mount=tmpfs=ENODEV. An empty WORD stands for any.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// call is a system call that can fail.
type call struct {
	number uintptr
	word   int  // which argument is the path
	flags  int  // which argument has flags
	flag   uint // that have to be set; 0 is any
}

// calls are the calls by their names in faults. Go's syscall package uses no others for these
// purposes.
var calls = map[string]call{
	"mount":  {unix.SYS_MOUNT, 2, 3, 0}, // by type
	"bind":   {unix.SYS_MOUNT, 1, 3, unix.MS_BIND},
	"move":   {unix.SYS_MOUNT, 1, 3, unix.MS_MOVE},
	"seal":   {unix.SYS_MOUNT, 1, 3, unix.MS_REMOUNT},
	"umount": {unix.SYS_UMOUNT2, 0, 1, 0},
	"chroot": {unix.SYS_CHROOT, 0, 0, 0},
	"chdir":  {unix.SYS_CHDIR, 0, 0, 0},
	"unlink": {unix.SYS_UNLINKAT, 1, 2, 0},
	"rmdir":  {unix.SYS_UNLINKAT, 1, 2, unix.AT_REMOVEDIR},
	"open":   {unix.SYS_OPENAT, 1, 2, 0},
	"dup":    {unix.SYS_DUP3, -1, 2, 0},
	"execve": {unix.SYS_EXECVE, 0, 0, 0},
}

// fault is a call that fails.
type fault struct {
	call
	path  string
	errno unix.Errno
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

func run() error {
	faults, old, err := parse(os.Getenv("faults"))
	if err != nil {
		return err
	}
	if len(os.Args) > 1 && os.Args[1] == superviseWord {
		return supervise(faults)
	}
	if old {
		if err := pretendOld(); err != nil {
			return err
		}
	}
	runtime.LockOSThread() // the filter is this thread's, and execve leaves no other
	send := func(int) error { return nil }
	if len(faults) > 0 {
		if send, err = startSupervisor(os.Args[0]); err != nil {
			return err
		}
	}
	listener, err := install(faults, old)
	if err != nil {
		return err
	}
	if err := send(listener); err != nil {
		return err
	}
	os.Unsetenv("faults")
	return unix.Exec("/init", append([]string{"/init"}, os.Args[1:]...), os.Environ())
}

func parse(text string) (faults []fault, old bool, err error) {
	for _, word := range strings.Split(text, ",") {
		if word == "3.10" {
			old = true
			continue
		}
		part := strings.Split(word, "=")
		if len(part) != 3 || calls[part[0]].number == 0 {
			return nil, false, fmt.Errorf("fault %q: want 3.10 or CALL=WORD=ERRNO", word)
		}
		f := fault{call: calls[part[0]], path: part[1]}
		for f.errno = 1; unix.ErrnoName(f.errno) != part[2]; f.errno++ {
			if f.errno > 1<<12 {
				return nil, false, errors.New("no such errno: " + part[2])
			}
		}
		faults = append(faults, f)
	}
	return faults, old, nil
}
