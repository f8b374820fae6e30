package plan

import (
	"maps"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/mkinitfs/mkinitfs/internal/xattr"
)

// remove drops what the Remove globs match and all that is below it. Of a file
// with several names the others stay.
func (p *planner) remove() {
	if len(p.options.Remove) == 0 {
		return
	}
	removed := make([]bool, len(p.entries))
	for _, g := range p.options.Remove {
		p.match(g, g.listed(), func(i int) {
			e := p.entries[i]
			if e.Path == "/" {
				p.problems = append(p.problems, &Error{Origin: g.Origin, Path: g.Pattern, Msg: "the root stays"})
				return
			}
			if removed[i] {
				return
			}
			removed[i] = true
			if !e.IsDir() {
				return
			}
			below := e.Path + "/"
			for j, _ := p.find(below); j < len(p.entries) && strings.HasPrefix(p.entries[j].Path, below); j++ {
				removed[j] = true
			}
		})
	}
	// Backwards, so that a directory comes after all that is in it.
	needed := map[string]bool{}
	last := ""
	for i := len(p.entries) - 1; i >= 0; i-- {
		e := p.entries[i]
		if e.Source == made && !needed[e.Path] {
			removed[i] = true
		}
		if up := parent(e.Path); !removed[i] && up != last {
			last = up
			needed[up] = true
		}
	}
	kept := p.entries[:0]
	for i, e := range p.entries {
		if !removed[i] {
			kept = append(kept, e)
		}
	}
	p.entries = kept
}

// permit applies the Permissions. A file with several names is changed for all
// of them.
func (p *planner) permit() {
	if len(p.options.Permissions) == 0 {
		return
	}
	names := map[uint32][]int{} // of files with several
	for _, e := range p.entries {
		if e.Nlink != e.Ino {
			names[e.Nlink] = nil
		}
	}
	for i, e := range p.entries {
		if list, ok := names[e.Nlink]; ok {
			names[e.Nlink] = append(list, i)
		}
	}
	for _, rule := range p.options.Permissions {
		untaken := maps.Clone(rule.Xattrs)
		matched := false
		p.match(rule.Glob, OptionalItem, func(i int) {
			matched = true
			maps.DeleteFunc(untaken, func(name, _ string) bool { return xattr.Takes(p.entries[i].Mode, name) })
			if list, ok := names[p.entries[i].Nlink]; ok {
				for _, name := range list {
					rule.apply(p.entries[name])
				}
				return
			}
			rule.apply(p.entries[i])
		})
		for name := range untaken {
			if matched {
				p.problems = append(p.problems, &Error{Origin: rule.Origin, Path: rule.Pattern, Msg: "nothing that matches can have " + name + ": capabilities are for regular files, user.* for files and directories"})
			}
		}
	}
}

func (r *Permission) apply(e *Entry) {
	mode := r.Mode
	switch {
	case e.IsLink():
		mode = nil // Linux has no use for it
	case e.IsDir() && r.DirMode != nil:
		mode = r.DirMode
	case e.IsDir() && mode != nil:
		search := *mode | *mode&0o444>>2
		mode = &search
	case !e.IsDir() && r.Mode == nil:
		mode = nil
	}
	if mode != nil {
		e.Mode = e.Mode&TypeMask | *mode&0o7777
	}
	e.Own(r.UID, r.GID, r.Names)
	if r.MTime != nil {
		e.MTime = *r.MTime
	}
	xattrs := r.Xattrs
	for name := range r.Xattrs {
		if !xattr.Takes(e.Mode, name) {
			xattrs = maps.Clone(xattrs)
			delete(xattrs, name)
		}
	}
	e.Xattrs = e.Xattrs.With(xattrs)
}

// match calls visit with the index of every entry that g matches; cure says how to
// allow that it matches none. Like a destination, a pattern is resolved through links
// as far as it is literal, so that /bin/x is found on a root where it is /usr/bin/x.
func (p *planner) match(g Glob, cure string, visit func(i int)) {
	fail := func(msg, hint string) {
		p.problems = append(p.problems, &Error{Origin: g.Origin, Path: g.Pattern, Msg: msg, Hint: hint})
	}
	if !strings.HasPrefix(g.Pattern, "/") || !doublestar.ValidatePattern(g.Pattern) {
		fail("not an absolute, well-formed pattern", "")
		return
	}
	dir, rest := doublestar.SplitPattern(g.Pattern)
	dir, err := p.links.directory(dir)
	if err != nil {
		fail(err.Error(), "")
		return
	}
	if !strings.ContainsAny(rest, `*?[{\`) {
		name := dir
		if rest != "" {
			name = join(dir, rest)
		}
		if i, found := p.find(name); found {
			visit(i)
		} else if !g.Optional {
			if other := p.similar(name); other != "" {
				cure = other + "\n  " + cure
			}
			fail(matchesNothing, cure)
		}
		return
	}
	// A final ** takes in the directory itself, too, in doublestar.
	if strings.HasSuffix(rest, "/**") {
		rest += "/*"
	}
	below := strings.TrimSuffix(dir, "/") + "/"
	matched := false
	for i, _ := p.find(below); i < len(p.entries) && strings.HasPrefix(p.entries[i].Path, below); i++ {
		name := p.entries[i].Path[len(below):]
		if name != "" && doublestar.MatchUnvalidated(rest, name) {
			matched = true
			visit(i)
		}
	}
	if !matched && !g.Optional {
		fail(matchesNothing, cure)
	}
}
