//go:build linux

package main

import (
	"strings"
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// resolve follows path as if root were /. It returns the path below root without symbolic
// links. From Linux 5.6 on openat2 could do this.
func resolve(root, path string) (string, error) {
	return walk(root, path, func(at string) error {
		var st syscall.Stat_t
		return syscall.Lstat(root+at, &st)
	})
}

// resolveDir is resolve for a directory. It makes missing directories with mode 0755.
func resolveDir(root, path string) (string, error) {
	return walk(root, path, func(at string) error {
		if err := syscall.Mkdir(root+at, 0o755); err != nil && err != syscall.EEXIST {
			return err
		}
		return nil
	})
}

// walk follows path through symbolic links, component by component. It calls visit before each
// component, and visit may make it. It repeats internal/follow, which would add 1 KB. A test
// holds the two together.
func walk(root, path string, visit func(at string) error) (string, error) {
	const maxLinks = 40 // the kernel's MAXSYMLINKS
	at, links := "", 0
	for rest := path; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		switch part {
		case "", ".":
			continue
		case "..":
			at = at[:max(strings.LastIndexByte(at, '/'), 0)]
			continue
		}
		next := at + "/" + part
		if err := visit(next); err != nil {
			return "", err
		}
		target, err := readlink(root + next)
		if err == syscall.EINVAL { // not a link
			at = next
			continue
		}
		if err != nil {
			return "", err
		}
		if links++; links > maxLinks {
			return "", syscall.ELOOP
		}
		if strings.HasPrefix(target, "/") {
			at = ""
		}
		rest = target + "/" + rest
	}
	return at, nil
}

func readlink(path string) (string, error) {
	buf := make([]byte, cpio.PathMax)
	n, err := syscall.Readlink(path, buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}
