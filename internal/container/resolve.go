//go:build linux

package container

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
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
	const maxLinks = 40 // the kernel's MAXSYMLINKS
	at, links := "/", 0
	for rest := name; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		if part == "" || part == "." || part == ".." {
			at = path.Join(at, part)
			continue
		}
		next := path.Join(at, part)
		if err := visit(next); err != nil {
			return "", err
		}
		target, err := os.Readlink(next)
		if err != nil { // not a link, or missing
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", &os.PathError{Op: "follow", Path: name, Err: unix.ELOOP}
		}
		if strings.HasPrefix(target, "/") {
			at = "/"
		}
		rest = target + "/" + rest
	}
	return at, nil
}
