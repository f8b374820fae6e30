// Package newfile makes files that appear whole or not at all.
//
// A new file has no name while it is written (O_TMPFILE, Linux 3.11), so that whatever
// ends the process leaves nothing behind. [File.Place] gives it a fresh name beside its
// target, since linkat(2) replaces nothing, and renames that onto the target. Where
// there is no O_TMPFILE, as on NFS and FAT, the fresh name is there from the start.
//
// A name that a killed process has left is a leftover. Its maker holds a lock on the
// file by flock(2), which ends with the process. [Sweep] removes a leftover if it gets
// the lock and the file is a day old. A process number would say nothing: the maker may
// be in another container, or on another machine.
//
// Nothing is flushed to the disk. A reader that must notice the damage of a power cut has to
// check a sum.
package newfile

import (
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// File is a new file on its way to its target. Its errors name the target.
type File struct {
	*os.File
	target string
	perm   fs.FileMode
	name   string // beside the target; "" as long as the file has none
}

// Create returns a new, empty file that is to become target, with perm before the
// umask. It has to be closed.
func Create(target string, perm fs.FileMode) (*File, error) {
	f := &File{target: target, perm: perm}
	if fd, ok := openNameless(dirOf(target), perm); ok {
		f.File = os.NewFile(uintptr(fd), target)
		lock(f.File)
		return f, nil
	}
	if err := f.openNamed(); err != nil {
		return nil, err
	}
	return f, nil
}

// openNameless opens a new file in dir that has no name and can be given one, which needs
// /proc. Before Linux 6.0 a file system without access control lists may ignore the umask, so
// a file that others could write is refused.
func openNameless(dir string, perm fs.FileMode) (fd int, ok bool) {
	fd, err := open(dir, unix.O_TMPFILE|unix.O_RDWR, perm)
	if err != nil {
		return fd, false
	}
	var st unix.Stat_t
	if err := unix.Stat(procName(fd), &st); err != nil || st.Mode&0o002 != 0 {
		unix.Close(fd)
		return fd, false
	}
	return fd, true
}

// openNamed opens a new file with a fresh name beside the target.
func (f *File) openNamed() error {
	err := withFreshName(f.target, func(name string) error {
		fd, err := open(name, unix.O_CREAT|unix.O_EXCL|unix.O_RDWR, f.perm)
		if err == nil {
			f.File, f.name = os.NewFile(uintptr(fd), f.target), name
			lock(f.File)
		}
		return err
	})
	if err != nil {
		return &fs.PathError{Op: "create", Path: f.target, Err: err} // nobody has asked for the other name
	}
	return nil
}

// Place puts the file in its place, instead of what is there. It fails if the file
// system did not take all that was written. After an error the target is as it was.
func (f *File) Place() error {
	if err := f.flush(); err != nil {
		return &fs.PathError{Op: "write", Path: f.target, Err: err}
	}
	if f.name == "" {
		if err := f.link(); err != nil {
			return err
		}
	}
	return f.rename()
}

// flush makes a network file system report the errors that it delays until close(2). The file
// itself stays open, because its lock would end with it.
func (f *File) flush() error {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// link gives a fresh name to a file that has none. Some file systems have nameless
// files and no hard links: there the file is copied.
func (f *File) link() error {
	err := withFreshName(f.target, func(name string) error {
		f.name = name
		return unix.Linkat(unix.AT_FDCWD, procName(int(f.Fd())), unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW)
	})
	if err == nil {
		return nil
	}
	f.name = ""
	nameless := f.File
	defer nameless.Close()
	if err := f.openNamed(); err != nil {
		return err
	}
	if _, err := nameless.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.Copy(f.File, nameless); err != nil {
		return err
	}
	if err := f.flush(); err != nil {
		return &fs.PathError{Op: "write", Path: f.target, Err: err}
	}
	return nil
}

func (f *File) rename() error {
	if err := unix.Rename(f.name, f.target); err != nil {
		return &fs.PathError{Op: "replace", Path: f.target, Err: err}
	}
	f.name = ""
	return f.File.Close()
}

// Close closes the file, and removes it if it is not in its place.
func (f *File) Close() error {
	if f.name != "" {
		os.Remove(f.name)
		f.name = ""
	}
	return f.File.Close()
}

// Temp returns a new, empty file in dir ("" is os.TempDir()) without a name: it is gone when
// it is closed or the process ends. Its errors name dir.
func Temp(dir string) (*os.File, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	fd, err := open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_EXCL, 0o600)
	if err != nil {
		fd, err = openUnlinked(filepath.Join(dir, "mkinitfs"))
	}
	if err != nil {
		return nil, &fs.PathError{Op: "create a file in", Path: dir, Err: err}
	}
	return os.NewFile(uintptr(fd), dir), nil
}

// openUnlinked opens a new file that loses its name at once.
func openUnlinked(path string) (fd int, err error) {
	Sweep(path) // a process may have been killed between the two calls
	err = withFreshName(path, func(name string) error {
		if fd, err = open(name, unix.O_CREAT|unix.O_EXCL|unix.O_RDWR, 0o600); err != nil {
			return err
		}
		return unix.Unlink(name)
	})
	return fd, err
}

// withFreshName calls do with names beside path until one is free.
func withFreshName(path string, do func(name string) error) error {
	dir, base := filepath.Split(path) // not cleaned: ".." leads up from where a directory really is
	for {
		if err := do(dir + leftoverName(base, rand.Uint32())); err != unix.EEXIST {
			return err
		}
	}
}

// open is open(2).
func open(name string, flags int, perm fs.FileMode) (fd int, err error) {
	for {
		fd, err = unix.Open(name, flags|unix.O_CLOEXEC, uint32(perm.Perm()))
		if err != unix.EINTR { // of file systems whose server is a program
			return fd, err
		}
	}
}

// lock tells [Sweep] that the maker of a file is alive. Without locks in the file system
// Sweep gets none either.
func lock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

func procName(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// dirOf returns the directory of a file, without cleaning the path.
func dirOf(file string) string {
	if dir, _ := filepath.Split(file); dir != "" {
		return dir
	}
	return "."
}
