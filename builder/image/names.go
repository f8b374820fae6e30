package image

import (
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// named returns what has a name, which may itself be a link, or nil.
func (t *kernelRoot) named(name string) *node {
	dir, base, _ := splitName(name)
	at, why := t.directory(dir, nil, nil)
	if why != nil {
		return nil
	}
	return t.nodes[below(at, base)]
}

const maxLinks = 40 // that are followed for one name, as in the kernel

// directory returns the place of a directory, or why there is none. For an entry with an
// outcome it makes directories that are missing.
func (t *kernelRoot) directory(name string, e *Entry, out *outcome) (string, *rule) {
	if n := t.nodes[name]; n != nil && n.Type() == cpio.TypeDir {
		return name, nil
	}
	at, links := "", 0
	rest := len(name) + 1 // behind the target of the last link; what is before that belongs to the link
	for left := name; left != ""; {
		var part string
		part, left, _ = strings.Cut(left, "/")
		switch part {
		case "", ".":
			continue
		case "..":
			at = parentOf(at)
			continue
		}
		next := below(at, part)
		n := t.nodes[next]
		switch {
		case n == nil && (out == nil || len(left) >= rest):
			return "", parentLost
		case n == nil:
			const nodeSize = 256
			if t.made += int64(len(next)) + nodeSize; t.made > maxText+t.added*textShare {
				return "", parentsMany
			}
			if !out.orphan {
				t.note(parentGone, e)
			}
			out.orphan = true
			t.put(next, newDirectory())
		case n.Type() == cpio.TypeLink:
			if links++; links > maxLinks {
				return "", parentLoop
			}
			if strings.HasPrefix(n.link, "/") {
				at = ""
			}
			rest = len(left)
			left = n.link + "/" + left
			continue
		case n.Type() != cpio.TypeDir:
			return "", parentFile
		}
		at = next
	}
	return at, nil
}

// splitName returns the directory of a name, its last part, and whether slashes follow.
func splitName(name string) (dir, base string, slash bool) {
	base = strings.TrimRight(name, "/")
	slash = len(base) < len(name)
	if i := strings.LastIndexByte(base, '/'); i >= 0 {
		dir, base = base[:i], base[i+1:]
	}
	return dir, base, slash
}

func below(dir, base string) string {
	if dir == "" {
		return base
	}
	return dir + "/" + base
}

func parentOf(place string) string {
	return place[:max(strings.LastIndexByte(place, '/'), 0)]
}
