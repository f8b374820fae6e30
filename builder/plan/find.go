package plan

import (
	"slices"
	"strings"
)

// Find returns what path leads to in a finished plan, through symbolic links as
// the kernel would follow them with the plan's root as /; nil if it leads nowhere.
func Find(entries []*Entry, path string) *Entry {
	at := entries[0] // "/"
	links := 0
	for rest := path; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		switch part {
		case "", ".":
			continue
		case "..":
			at = lookup(entries, parent(at.Path))
			continue
		}
		e := lookup(entries, strings.TrimSuffix(at.Path, "/")+"/"+part)
		switch {
		case e == nil:
			return nil
		case !e.IsLink():
			at = e
			continue
		}
		if links++; links > maxLinks {
			return nil
		}
		if strings.HasPrefix(e.Target, "/") {
			at = entries[0]
		}
		rest = e.Target + "/" + rest
	}
	return at
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
