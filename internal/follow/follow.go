// Package follow walks along a path through symbolic links like the kernel does for a process
// with the top of the tree as its root: neither a link nor ".." leads out. The caller supplies
// the tree: a plan, an image that was read or a file system.
package follow

import (
	"strings"
	"syscall"
)

// MaxLinks is the number of symbolic links that a path may lead through (MAXSYMLINKS in
// include/linux/namei.h).
const MaxLinks = 40

// Look returns the target of a symbolic link at place, or reports that there is no link:
// anything else may be there, or nothing. place is absolute and clean, and only its last
// component may be a link. linked means that the path came there through the target of a link.
//
// The walk continues below missing entries and below entries that are not directories. It ends
// with an error of Look.
type Look func(place string, linked bool) (target string, link bool, err error)

// Walk returns the target of name: an absolute, clean path without links. A relative name
// begins at the root. The error is ELOOP for more than [MaxLinks] links, and ENAMETOOLONG for
// a name or target that is too long for Linux.
func Walk(name string, look Look) (string, error) {
	if len(name) >= syscall.PathMax {
		return "", syscall.ENAMETOOLONG
	}
	at, links := "/", 0
	own := len(name) + 1 // bytes left of name itself, once a link has been followed
	for left := name; left != ""; {
		var part string
		part, left, _ = strings.Cut(left, "/")
		switch part {
		case "", ".":
			continue
		case "..":
			at = parent(at)
			continue
		}
		next := strings.TrimSuffix(at, "/") + "/" + part
		linked := len(left) >= own
		target, link, err := look(next, linked)
		switch {
		case err != nil:
			return "", err
		case !link:
			at = next
			continue
		case links == MaxLinks:
			return "", syscall.ELOOP
		case len(target) >= syscall.PathMax:
			return "", syscall.ENAMETOOLONG
		}
		links++
		if !linked {
			own = len(left)
		}
		if strings.HasPrefix(target, "/") {
			at = "/"
		}
		left = target + "/" + left
	}
	return at, nil
}

// parent returns the directory of an absolute, clean path. That of the root is the root.
func parent(path string) string {
	return path[:max(1, strings.LastIndexByte(path, '/'))]
}
