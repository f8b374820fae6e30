package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// targetDir is the directory that an image is extracted into.
type targetDir struct {
	*os.File
	made []madeDirectory // the new directories, the deepest last
}

// madeDirectory is a name in an open directory.
type madeDirectory struct {
	parent *os.File
	name   string
}

// openTarget opens a directory, and makes it and those above it if they are missing. It
// follows links in directories that exist, and none in those that it makes.
func openTarget(name string, force bool) (*targetDir, error) {
	at := filepath.Clean(name)
	var missing []string
	for {
		if _, err := os.Lstat(at); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		missing = append(missing, filepath.Base(at))
		at = filepath.Dir(at)
	}
	dir, err := os.OpenFile(at, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	t := &targetDir{File: dir}
	for _, base := range slices.Backward(missing) {
		at = filepath.Join(at, base)
		if err := t.enter(base); err != nil {
			t.remove()
			return nil, &os.PathError{Op: "make", Path: at, Err: err}
		}
	}
	if _, err := t.Readdirnames(1); !force && err != io.EOF {
		if err == nil {
			err = fmt.Errorf("%s: the directory is not empty\n  add --force to replace what the image also has; the rest stays", name)
		}
		t.Close()
		return nil, err
	}
	return t, nil
}

// enter makes a directory in the open one, and opens the new one instead.
func (t *targetDir) enter(name string) error {
	at := int(t.Fd())
	if err := unix.Mkdirat(at, name, 0o755); err != nil {
		return err
	}
	t.made = append(t.made, madeDirectory{t.File, name})
	fd, err := unix.Openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	t.File = os.NewFile(uintptr(fd), name)
	return nil
}

// remove removes the directories that were made, if they are empty.
func (t *targetDir) remove() {
	for _, made := range slices.Backward(t.made) {
		_ = unix.Unlinkat(int(made.parent.Fd()), made.name, unix.AT_REMOVEDIR)
	}
	t.Close()
}

// Close closes the directory and those above it.
func (t *targetDir) Close() {
	for _, made := range t.made {
		made.parent.Close()
	}
	t.File.Close()
}
