// Package follow walks along a path through symbolic links as the kernel does for a
// process whose root directory is the top of the tree: neither a link nor ".." leads out.
// What the tree is, a plan, an image that was read or a file system, is for the caller to
// say.
package follow

import (
	"strings"
	"syscall"
)

// MaxLinks is how many symbolic links one path may lead through, as in the kernel
// (MAXSYMLINKS in include/linux/namei.h).
const MaxLinks = 40

// Look returns the target of a symbolic link at place, or says that there is none: there
// may be anything else, or nothing. place is absolute and clean, and no part before its
// last is a link. linked says that the path leads there by the target of a link.
//
// The walk goes on in what is missing and in what is no directory, and ends with an error
// of Look.
type Look func(place string, linked bool) (target string, link bool, err error)

// Walk returns where name leads: an absolute and clean path without links. A relative name
// begins at the root. For more than [MaxLinks] links the error is ELOOP, for a name or
// target that Linux does not take ENAMETOOLONG.
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

// parent returns the directory that an absolute and clean path is in. The root is in itself.
func parent(path string) string {
	return path[:max(1, strings.LastIndexByte(path, '/'))]
}
