package plan

import (
	"errors"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/internal/follow"
)

// Find returns the target of path in a finished plan, or nil. It follows symbolic links as the
// kernel does with the plan's root as /.
func Find(entries []*Entry, path string) *Entry {
	return Follow(entries, path, func(*Entry) {})
}

// Follow is [Find], and calls through for each symbolic link that it follows.
func Follow(entries []*Entry, path string, through func(link *Entry)) *Entry {
	nowhere := errors.New("leads nowhere")
	place, err := follow.Walk(path, func(place string, _ bool) (string, bool, error) {
		e := lookup(entries, place)
		if e == nil {
			return "", false, nowhere
		}
		if e.IsLink() {
			through(e)
		}
		return e.Target, e.IsLink(), nil
	})
	if err != nil {
		return nil
	}
	return lookup(entries, place)
}

func lookup(entries []*Entry, path string) *Entry {
	i, found := slices.BinarySearchFunc(entries, path, func(e *Entry, path string) int {
		return strings.Compare(e.Path, path)
	})
	if !found {
		return nil
	}
	return entries[i]
}
