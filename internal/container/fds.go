//go:build linux

package container

import (
	"fmt"
	"math"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// closeOnExec marks every descriptor from first on to be closed by execve(2). A shell may
// have passed on an open directory, through which all of the host's files can be reached
// (/proc/self/fd/9/..).
func closeOnExec(first int) error {
	if unix.CloseRange(uint(first), math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return nil
	}
	// Linux before 5.11 does not have it, and some system call filters refuse it.
	return closeListedOnExec(first)
}

// closeListedOnExec is closeOnExec for older kernels.
func closeListedOnExec(first int) error {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("list open files: %w", err)
	}
	for _, e := range open {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd >= first {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

// checkStandard returns an error if a standard file is a directory. The program gets these
// files, and a directory leads out of its root.
func (o *Options) checkStandard() error {
	for _, s := range []struct {
		stream any
		name   string
	}{{o.Stdin, "standard input"}, {o.Stdout, "standard output"}, {o.Stderr, "standard error"}} {
		f, ok := s.stream.(*os.File)
		if !ok {
			continue
		}
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return fmt.Errorf("%s is a directory: the program in the image could leave its root through it\n"+
				"  redirect it to a file, a pipe or /dev/null", s.name)
		}
	}
	return nil
}

// sameFile reports whether a file is the one behind a stream.
func sameFile(file *os.File, stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	one, err := file.Stat()
	if err != nil {
		return false
	}
	other, err := f.Stat()
	return err == nil && os.SameFile(one, other)
}
