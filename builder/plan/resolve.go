package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/internal/follow"
)

// link is a symbolic link of the image.
type link struct {
	target string
	entry  int // its index, while paths are resolved
}

// linkTable resolves paths. The zero value has no links.
type linkTable struct {
	links       map[string]link    // by place
	directories map[string]outcome // resolved already
}

type outcome struct {
	path string
	err  error
}

// resolve replaces every path by the place in the image it leads to.
//
// Where a link lies depends on the links above it, and whether there is a link
// at all on what else is asked for at its place. So a table of links is made
// with the help of the one before, until both are the same: after two rounds,
// unless links move each other. It reports false if there is no end to that.
func (p *planner) resolve() bool {
	for round := 0; ; round++ {
		links := p.findLinks()
		if maps.Equal(links, p.links.links) {
			break
		}
		if round == follow.MaxLinks {
			for place, l := range links {
				if p.links.links[place] != l {
					p.fail(p.entries[l.entry], "", "symbolic links move each other without end")
				}
			}
			return false
		}
		p.links = linkTable{links: links, directories: map[string]outcome{}}
	}
	if len(p.links.links) > 0 {
		p.move()
	}
	return true
}

// findLinks returns the links that win their place.
func (p *planner) findLinks() map[string]link {
	links := map[string]link{}
	for _, e := range p.entries {
		if e.IsLink() {
			if place, err := p.links.place(e.Path); err == nil {
				links[place] = link{entry: -1}
			}
		}
	}
	if len(links) == 0 {
		return nil
	}
	for i, e := range p.entries {
		place, err := p.links.place(e.Path)
		if err != nil {
			continue
		}
		l, ok := links[place]
		if !ok {
			continue
		}
		if l.entry >= 0 {
			e, _ = judge(p.entries[l.entry], e)
		}
		if e == p.entries[i] {
			links[place] = link{entry: i, target: e.Target}
		}
	}
	maps.DeleteFunc(links, func(_ string, l link) bool {
		return !p.entries[l.entry].IsLink()
	})
	return links
}

// move moves every entry to the target of its path. It reports and drops an entry without a
// target, so that it is not reported twice.
func (p *planner) move() {
	if p.asked == nil {
		p.asked = map[uint32]string{}
	}
	lost := map[uint32]bool{}
	for _, e := range p.entries {
		to, err := p.links.place(e.Path)
		if l, ok := p.links.links[to]; ok && e.IsDir() && !replaces(p.entries[l.entry], e) {
			to, err = p.links.directory(e.Path)
		}
		if err == nil && e.HardLink {
			e.Target, err = p.links.place(e.Target)
		}
		switch {
		case err != nil:
			p.fail(e, "", "%v", err)
			lost[e.Ino] = true
		case to != e.Path:
			if p.asked[e.Ino] == "" {
				p.asked[e.Ino] = e.Path
			}
			e.Path = to
		}
	}
	if len(lost) > 0 {
		p.entries = slices.DeleteFunc(p.entries, func(e *Entry) bool { return lost[e.Ino] })
	}
}

// replaces reports whether the link l takes the place of an earlier directory, which
// is then gone, instead of leading it elsewhere.
func replaces(l, directory *Entry) bool {
	return l.Ino > directory.Ino && (l.Replace || sameArchive(l, directory))
}

// place returns where path leads; a link at its end is not followed.
func (t *linkTable) place(path string) (string, error) {
	up := parent(path)
	to, err := t.directory(up)
	if err != nil || to == up {
		return path, err
	}
	return join(to, path[strings.LastIndexByte(path, '/')+1:]), nil
}

const maxDirectories = 64 << 10 // that are kept: a few paths can have many

// directory returns the target of path if it is a directory, with all links followed.
func (t *linkTable) directory(path string) (string, error) {
	if len(t.links) == 0 || path == "/" {
		return path, nil
	}
	if o, ok := t.directories[path]; ok {
		return o.path, o.err
	}
	to, err := t.place(path)
	if _, ok := t.links[to]; ok && err == nil {
		followed := 0
		to, err = t.follow(to, &followed)
	}
	if len(t.directories) == maxDirectories {
		clear(t.directories) // what is asked for again is found again
	}
	t.directories[path] = outcome{to, err}
	return to, err
}

// follow returns where the link at place leads in the end.
func (t *linkTable) follow(place string, followed *int) (string, error) {
	target := t.links[place].target
	if *followed++; *followed > follow.MaxLinks {
		return "", fmt.Errorf("too many symbolic links, at %s -> %s", place, target)
	}
	at := parent(place)
	if strings.HasPrefix(target, "/") {
		at = "/"
	}
	for name := range strings.SplitSeq(target, "/") {
		switch name {
		case "", ".":
			continue
		case "..":
			if at == "/" {
				return "", fmt.Errorf("leads out of the root through %s -> %s", place, target)
			}
			at = parent(at)
			continue
		}
		at = join(at, name)
		if _, ok := t.links[at]; ok {
			var err error
			if at, err = t.follow(at, followed); err != nil {
				return "", err
			}
		}
	}
	return at, nil
}

func join(dir, name string) string {
	if dir == "/" {
		return dir + name
	}
	return dir + "/" + name
}
