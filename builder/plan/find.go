package plan

import (
	"errors"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

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
		e := At(entries, place)
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
	return At(entries, place)
}

// Match returns the entries of a finished plan that a pattern matches. The pattern leads through
// symbolic links as far as it is literal. way holds these links.
func Match(entries []*Entry, pattern string) (matches, way []*Entry) {
	dir, rest := doublestar.SplitPattern(pattern)
	at := Follow(entries, dir, func(link *Entry) { way = append(way, link) })
	if at == nil || !at.IsDir() {
		return nil, nil
	}
	below := strings.TrimSuffix(at.Path, "/") + "/"
	for _, e := range entries {
		path, ok := strings.CutPrefix(e.Path, below)
		if e == at {
			path = ""
		}
		if (ok || e == at) && doublestar.MatchUnvalidated(rest, path) { // ** matches the directory, too
			matches = append(matches, e)
		}
	}
	return matches, way
}

// At returns the entry of a finished plan at a path without links, or nil.
func At(entries []*Entry, path string) *Entry {
	i, found := slices.BinarySearchFunc(entries, path, func(e *Entry, path string) int {
		return strings.Compare(e.Path, path)
	})
	if !found {
		return nil
	}
	return entries[i]
}
