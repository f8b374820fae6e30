package image

import (
	"errors"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/internal/follow"
)

// named returns the node with a name, or nil. The node may itself be a link.
func (t *kernelRoot) named(name string) *node {
	dir, base, _ := splitName(name)
	at, why := t.directory(dir, nil, nil)
	if why != nil {
		return nil
	}
	return t.nodes[below(at, base)]
}

// directory returns the place of a directory, or the reason why there is none. For an entry
// with an outcome it makes missing directories, but not those in the target of a link.
func (t *kernelRoot) directory(name string, e *Entry, out *outcome) (string, *rule) {
	if n := t.nodes[name]; n != nil && n.Type() == cpio.TypeDir {
		return name, nil
	}
	why := parentLoop // unless look says otherwise
	lost := errors.New("lost")
	place, err := follow.Walk(name, func(place string, linked bool) (string, bool, error) {
		place = place[1:]
		n := t.nodes[place]
		switch {
		case n == nil && (out == nil || linked):
			why = parentLost
			return "", false, lost
		case n == nil:
			if many := t.addParent(place, e, out); many != nil {
				why = many
				return "", false, lost
			}
		case n.Type() == cpio.TypeLink:
			return n.link, true, nil
		case n.Type() != cpio.TypeDir:
			why = parentFile
			return "", false, lost
		}
		return "", false, nil
	})
	if err != nil {
		return "", why
	}
	return place[1:], nil
}

// addParent makes a missing directory on the way to an entry, or returns the reason why not.
func (t *kernelRoot) addParent(place string, e *Entry, out *outcome) *rule {
	const nodeSize = 256
	if t.made += int64(len(place)) + nodeSize; t.made > maxText+t.added*textShare {
		return parentsMany
	}
	if !out.orphan {
		t.note(parentGone, e)
	}
	out.orphan = true
	t.put(place, newDirectory())
	return nil
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
