package plan

import "slices"

// Whiteout says that an entry is one of the marks by which a container's layer deletes
// what the layers below have
// (https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts). It hides
// nothing of its own archive, so it needs a Source.
type Whiteout uint8

const (
	HidesPath  Whiteout = 1 + iota // what is at Path, with all below it
	HidesBelow                     // what is below Path, which stays itself
)

// applyWhiteouts removes hidden entries, archive by archive in the order of the manifest.
// Entries before an archive are resolved without it, because a hidden link no longer leads
// anywhere. It reports false if that does not end, like resolve.
func (p *planner) applyWhiteouts() bool {
	for {
		first := slices.IndexFunc(p.entries, func(e *Entry) bool { return e.Whiteout != 0 })
		if first < 0 {
			return true
		}
		layer := p.entries[first].Source
		start := slices.IndexFunc(p.entries, func(e *Entry) bool { return e.Source == layer })
		below := &planner{entries: slices.Clone(p.entries[:start]), options: p.options, asked: p.asked}
		ok := below.resolve()
		p.asked = below.asked
		p.problems = append(p.problems, below.problems...)
		if !ok {
			return false
		}
		hidden := map[string]Whiteout{}
		var upper []*Entry
		for _, e := range p.entries[start:] {
			if e.Source != layer || e.Whiteout == 0 {
				upper = append(upper, e)
				continue
			}
			place, err := below.links.place(e.Path)
			if e.Whiteout == HidesBelow && err == nil {
				place, err = below.links.directory(e.Path)
			}
			if err != nil {
				p.fail(e, "", "%v", err)
			} else if hidden[place] != HidesPath {
				hidden[place] = e.Whiteout
			}
		}
		p.entries = append(hide(below.entries, hidden), upper...)
	}
}

// hide returns entries without the hidden ones.
func hide(entries []*Entry, hidden map[string]Whiteout) []*Entry {
	var kept []*Entry
	gone := map[string]*Entry{}
	for _, e := range entries {
		if isHidden(e.Path, hidden) {
			gone[e.Path] = e
		} else {
			kept = append(kept, e)
		}
	}
	inherit(kept, gone)
	return kept
}

func isHidden(path string, hidden map[string]Whiteout) bool {
	if hidden[path] == HidesPath {
		return true
	}
	for path != "/" {
		path = parent(path)
		if hidden[path] != 0 {
			return true
		}
	}
	return false
}

// inherit moves the content of removed files to remaining names of them.
func inherit(kept []*Entry, gone map[string]*Entry) {
	heirs := map[*Entry]string{} // file -> the name that has it now
	for _, e := range kept {
		for range len(gone) { // as many links as one can lead through
			file := gone[e.Target]
			if !e.HardLink || file == nil || file.IsDir() {
				break
			}
			switch heir, ok := heirs[file]; {
			case file.HardLink:
				e.Target = file.Target
			case ok:
				e.Target = heir
			default:
				e.become(file)
				e.Nlink = e.Ino
				heirs[file] = e.Path
			}
		}
	}
}
