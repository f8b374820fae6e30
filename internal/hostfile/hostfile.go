// Package hostfile opens files of the host for an image.
//
// A root has thousands of files, most of them small. An os.File would cost each of them a
// failed epoll_ctl(2) and a finalizer.
package hostfile

import (
	"io"
	"io/fs"

	"golang.org/x/sys/unix"
)

// File is an open file. It has to be closed.
type File int

// Open opens the file at path. If that is a FIFO by now, it does not wait for a writer.
func Open(path string) (File, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		switch err {
		case nil:
			return File(fd), nil
		case unix.EINTR: // of file systems whose server is a program
		default:
			return -1, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
}

// Close closes the file.
func (f File) Close() error { return unix.Close(int(f)) }

func (f File) Read(p []byte) (int, error) {
	for {
		n, err := unix.Read(int(f), p)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}
