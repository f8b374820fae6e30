package source

import (
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// excludes are patterns for paths relative to the top of a tree or an archive.
type excludes struct {
	globs    []manifests.Glob
	patterns []string
	used     []bool
	dirs     map[string]bool // decided already
}

func newExcludes(globs []manifests.Glob) *excludes {
	x := &excludes{globs: globs, used: make([]bool, len(globs)), dirs: map[string]bool{}}
	for _, g := range globs {
		pattern := strings.TrimPrefix(g.Pattern, "/")
		// In doublestar a final ** matches the directory itself, too.
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

// matchUp reports whether name or a directory above it is excluded.
func (x *excludes) matchUp(name string) bool {
	if len(x.patterns) == 0 || name == "." {
		return false
	}
	up := path.Dir(name)
	above, decided := x.dirs[up]
	if !decided {
		above = x.matchUp(up)
		x.dirs[up] = above
	}
	return above || x.match(name)
}

// unused reports the patterns that excluded nothing.
func (x *excludes) unused() plan.Errors {
	var problems plan.Errors
	for i, g := range x.globs {
		if !x.used[i] && !g.Optional {
			problems = append(problems, Glob(g).Unmatched())
		}
	}
	return problems
}

// Glob returns a pattern of the manifest as a plan has it.
func Glob(g manifests.Glob) plan.Glob {
	return plan.Glob{Origin: g.Pos.String(), Pattern: g.Pattern, Optional: g.Optional}
}

// Globs is Glob for several patterns.
func Globs(globs []manifests.Glob) []plan.Glob {
	var out []plan.Glob
	for _, g := range globs {
		out = append(out, Glob(g))
	}
	return out
}
