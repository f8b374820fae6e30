package plan

import "path"

// join makes every hard link a name of its target, also through other hard links.
func (p *planner) join() {
	var chain []int
	for i := range p.entries {
		chain = chain[:0]
		at, found := i, true
		for found && p.entries[at].HardLink {
			e := p.entries[at]
			e.HardLink, e.Nlink = false, 0 // 0: in this chain, so that a loop is seen
			chain = append(chain, at)
			at, found = p.find(e.Target)
		}
		if len(chain) == 0 {
			continue
		}
		last := p.entries[chain[len(chain)-1]]
		switch target := p.entries[min(at, len(p.entries)-1)]; {
		case !found:
			p.fail(last, p.similar(last.Target), "its target %s is not in the image", last.Target)
		case target.Nlink == 0:
			p.fail(last, "", "its target %s is a hard link that leads back here", last.Target)
		case target.IsDir():
			p.fail(last, "", "its target %s is a directory, which has one name only", last.Target)
		default:
			for _, name := range chain {
				p.entries[name].become(target)
			}
			continue
		}
		for _, name := range chain {
			p.entries[name].Nlink = p.entries[name].Ino
		}
	}
}

// become makes e a name of file. The kernel knows no hard links between symbolic
// links (do_symlink in init/initramfs.c), there e is a copy.
func (e *Entry) become(file *Entry) {
	name := *e
	*e = *file
	e.Path, e.Origin, e.Ino = name.Path, name.Origin, name.Ino
	e.Replace, e.Source = name.Replace, name.Source
	if e.IsLink() {
		e.Nlink = e.Ino
	}
}

// similar returns a hint at a file of the same base name elsewhere.
func (p *planner) similar(missing string) string {
	if p.byBase == nil {
		p.byBase = map[string]string{}
		for _, e := range p.entries {
			if _, ok := p.byBase[path.Base(e.Path)]; !ok && e.IsFile() && e.Nlink == e.Ino && !e.HardLink {
				p.byBase[path.Base(e.Path)] = e.Path
			}
		}
	}
	if other, ok := p.byBase[path.Base(missing)]; ok {
		return "did you mean " + other + "?"
	}
	return ""
}
