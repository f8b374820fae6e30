//go:build linux

// Timed runs a program and writes its costs to file descriptor 3: wall time and CPU time in
// nanoseconds, and in KiB the largest memory of the program or of one that it ran and waited
// for.
//
// Linux counts the memory of the parent at fork or vfork to the peak of a program. So this is
// a program of its own, and as small as a Go program can be: some 1.5 MiB.
package main

import (
	"os"
	"strconv"
	"syscall"
	"time"
)

func main() {
	syscall.CloseOnExec(3)
	begin := time.Now()
	pid, err := syscall.ForkExec(os.Args[1], os.Args[1:], &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}})
	if err != nil {
		fail(err)
	}
	var status syscall.WaitStatus
	var used syscall.Rusage
	for {
		if _, err = syscall.Wait4(pid, &status, 0, &used); err != syscall.EINTR {
			break
		}
	}
	wall := time.Since(begin)
	if err != nil {
		fail(err)
	}
	cpu := used.Utime.Nano() + used.Stime.Nano()
	line := strconv.FormatInt(wall.Nanoseconds(), 10) + " " + strconv.FormatInt(cpu, 10) + " " + strconv.FormatInt(int64(used.Maxrss), 10)
	if _, err := syscall.Write(3, []byte(line)); err != nil {
		fail(err)
	}
	if status.Signaled() {
		os.Exit(128 + int(status.Signal()))
	}
	os.Exit(status.ExitStatus())
}

func fail(err error) {
	os.Stderr.WriteString("timed: " + err.Error() + "\n")
	os.Exit(127)
}
