package source

import (
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// excludes are patterns over paths relative to the top of a tree or an archive.
type excludes struct {
	globs    []plan.Glob
	patterns []string
	used     []bool
	folders  map[string]bool // decided already
}

func newExcludes(globs []plan.Glob) *excludes {
	x := &excludes{globs: globs, used: make([]bool, len(globs)), folders: map[string]bool{}}
	for _, g := range globs {
		pattern := strings.TrimPrefix(g.Pattern, "/")
		// A final ** takes in the folder itself, too, in doublestar.
		if strings.HasSuffix(pattern, "/**") {
			pattern += "/*"
		}
		x.patterns = append(x.patterns, pattern)
	}
	return x
}

// match reports whether name itself is excluded.
func (x *excludes) match(name string) bool {
	matched := false
	for i, pattern := range x.patterns {
		if doublestar.MatchUnvalidated(pattern, name) {
			x.used[i], matched = true, true
		}
	}
	return matched
}

// matchUp reports whether name or a folder above it is excluded.
func (x *excludes) matchUp(name string) bool {
	if len(x.patterns) == 0 || name == "." {
		return false
	}
	up := path.Dir(name)
	above, known := x.folders[up]
	if !known {
		above = x.matchUp(up)
		x.folders[up] = above
	}
	return above || x.match(name)
}

// unused reports the patterns that excluded nothing.
func (x *excludes) unused() plan.Errors {
	var problems plan.Errors
	for i, g := range x.globs {
		if !x.used[i] && !g.Optional {
			problems = append(problems, g.Unmatched())
		}
	}
	return problems
}
