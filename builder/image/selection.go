package image

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Selection says which paths of a root are wanted. It is for [Extraction.Select].
type Selection struct {
	patterns []selected
}

// selected is what one pattern selects.
type selected struct {
	text    string
	globs   []string // the pattern, and what it is once links are followed
	links   []string // on the way there
	matched bool
}

// Select returns a selection of the paths that patterns match, and of everything below them.
// Patterns are paths or globs in doublestar's syntax. No patterns select everything.
func Select(patterns ...string) (*Selection, error) {
	s := &Selection{}
	for _, text := range patterns {
		glob := path.Clean("/" + text)
		if !doublestar.ValidatePattern(glob) {
			return nil, fmt.Errorf("pattern %q: cannot be read", text)
		}
		s.patterns = append(s.patterns, selected{text: text, globs: []string{glob}})
	}
	return s, nil
}

// Empty reports whether there are no patterns.
func (s *Selection) Empty() bool { return len(s.patterns) == 0 }

// Follow leads patterns through the links of a root: if /bin is a link to usr/bin, /bin/sh
// selects /usr/bin/sh, and /bin with it.
func (s *Selection) Follow(root *Files) {
	for i := range s.patterns {
		p := &s.patterns[i]
		dir, rest := doublestar.SplitPattern(p.globs[0])
		if strings.ContainsRune(dir, '\\') {
			continue // of an escaped name
		}
		at, links := root.directory(dir)
		if at == dir {
			continue
		}
		p.globs = append(p.globs, path.Join(literal(at), rest))
		for name := range root.entries {
			if p.matches(name) {
				p.links = links
				break
			}
		}
	}
}

// literal returns a glob that matches a path only.
func literal(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		if strings.IndexByte(`*?[]{}\`, c) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}

// Has reports whether an absolute, clean path, or a directory above it, is selected.
func (s *Selection) Has(name string) bool {
	found := s.Empty()
	for i := range s.patterns {
		p := &s.patterns[i]
		switch {
		case p.matches(name):
			p.matched, found = true, true
		case slices.Contains(p.links, name):
			found = true
		}
	}
	return found
}

// matches reports whether a pattern matches a path or a directory above it.
func (p *selected) matches(name string) bool {
	for _, glob := range p.globs {
		for at := name; ; at = path.Dir(at) {
			if at == glob || doublestar.MatchUnvalidated(glob, at) {
				return true
			}
			if at == "/" {
				break
			}
		}
	}
	return false
}

// Unmatched returns the patterns that nothing has matched so far.
func (s *Selection) Unmatched() []string {
	var texts []string
	for _, p := range s.patterns {
		if !p.matched {
			texts = append(texts, p.text)
		}
	}
	return texts
}
