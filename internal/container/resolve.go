//go:build linux

package container

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/mkinitfs/mkinitfs/internal/follow"
)

// resolve returns a path without symbolic links, dots and double slashes. A relative path
// begins at the root. Missing parts stay as they are. The kernel's own links in /proc (cwd,
// root, exe, fd/N) are followed by their text: if /proc/self/cwd reads "/tmp", that is the
// /tmp of this root, wherever the kernel would go.
func resolve(name string) (string, error) {
	return walk(name, func(at string) error {
		if _, err := os.Lstat(at); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// resolveDir is resolve for a directory, which it makes if it is missing, and its parents,
// with mode 0755.
func resolveDir(name string) (string, error) {
	return walk(name, func(at string) error {
		if err := os.Mkdir(at, 0o755); !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	})
}

// walk goes along a path, component by component, through symbolic links. It calls
// visit with each one before it looks there.
func walk(name string, visit func(at string) error) (string, error) {
	at, err := follow.Walk(name, func(place string, _ bool) (string, bool, error) {
		if err := visit(place); err != nil {
			return "", false, err
		}
		target, err := os.Readlink(place)
		return target, err == nil, nil // else it is not a link, or missing
	})
	if errno, ok := err.(syscall.Errno); ok { // of the walk; those of visit name a path
		err = &os.PathError{Op: "follow", Path: name, Err: errno}
	}
	return at, err
}
