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
func checkStandard() error {
	for _, f := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return fmt.Errorf("%s is a directory: the program in the image could leave its root through it\n"+
				"  redirect it to a file, a pipe or /dev/null", standardName(f))
		}
	}
	return nil
}

func standardName(f *os.File) string {
	return [...]string{"standard input", "standard output", "standard error"}[f.Fd()]
}

// sameFile reports whether a and b are the same file.
func sameFile(a, b *os.File) bool {
	one, err := a.Stat()
	if err != nil {
		return false
	}
	other, err := b.Stat()
	return err == nil && os.SameFile(one, other)
}
