//go:build linux

package container

import (
	"fmt"
	"math"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// closeOnExec keeps every descriptor from first on from the next program. A shell
// passes on whatever it has open, and a directory among that leads to all of the
// host's files (/proc/self/fd/9/..).
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

// checkStandard refuses standard files that lead out of the root: the program gets
// these as they are.
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

// sameFile reports whether two descriptors are of one file.
func sameFile(a, b *os.File) bool {
	one, err := a.Stat()
	if err != nil {
		return false
	}
	other, err := b.Stat()
	return err == nil && os.SameFile(one, other)
}
