//go:build linux

package main

import (
	"io"
	"strconv"
	"syscall"
	"unsafe"
)

// descriptor is an open file as an io.Reader and io.Writer.
type descriptor int

// Read is a raw system call, for the reason that package unpack gives: files in
// memory do not block.
func (fd descriptor) Read(p []byte) (int, error) {
	for {
		n, _, err := syscall.RawSyscall(syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		switch {
		case err == syscall.EINTR:
		case err != 0:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return int(n), nil
		}
	}
}

func (fd descriptor) Write(p []byte) (int, error) {
	for n := 0; n < len(p); {
		m, err := syscall.Write(int(fd), p[n:])
		if err != nil && err != syscall.EINTR {
			return n, err
		}
		n += max(m, 0)
	}
	return len(p), nil
}

func write(fd int, text string) error {
	_, err := descriptor(fd).Write([]byte(text))
	return err
}

func readFile(path string) ([]byte, error) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	syscall.Fstat(fd, &st) // 0 bytes for what a kernel makes up
	data := make([]byte, 0, st.Size)
	buf := make([]byte, 4<<10)
	for {
		n, err := descriptor(fd).Read(buf)
		data = append(data, buf[:n]...)
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// readDir returns the names in a directory without . and .., in no order.
func readDir(path string) ([]string, error) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	var names []string
	buf := make([]byte, 8<<10)
	for {
		n, err := syscall.ReadDirent(fd, buf)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		if n <= 0 {
			return names, nil
		}
		_, _, names = syscall.ParseDirent(buf[:n], -1, names)
	}
}

func kind(st *syscall.Stat_t) uint32 { return uint32(st.Mode) & syscall.S_IFMT }

func now() int64 {
	var t syscall.Timeval
	if err := syscall.Gettimeofday(&t); err != nil {
		return 0
	}
	return int64(t.Sec)*1000 + int64(t.Usec)/1000
}

func mib(n int64) string { return strconv.FormatInt(n>>20, 10) + " MiB" }

// roundUp rounds up to whole MiB, so that a need still exceeds the limit in the message.
func roundUp(n int64) int64 { return n + 1<<20 - 1 }
