package plan

import (
	"fmt"
	"slices"
	"strings"
)

// addNodes adds the nodes for a program that starts before /dev is mounted: the kernel opens
// /dev/console for the first process. Exports of containers have empty files there as mount
// points. Output to such a file would fill the RAM unseen.
func (p *planner) addNodes() {
	dev, err := p.links.directory("/dev")
	if err != nil {
		return
	}
	if i, found := p.find(dev); found && !p.entries[i].IsDir() {
		return
	}
	var missing []*Entry
	for _, node := range []*Entry{
		{Path: dev + "/console", Mode: TypeChar | 0o600, Major: 5, Minor: 1},
		{Path: dev + "/null", Mode: TypeChar | 0o666, Major: 1, Minor: 3},
	} {
		if i, found := p.find(node.Path); !found || p.givesWay(p.entries[i], node) {
			missing = append(missing, node)
		}
	}
	p.insert(missing)
	p.makeParents()
}

// givesWay removes e and what is below it if it is in the place of a node that it is
// not, unless it was asked for by name.
func (p *planner) givesWay(e, node *Entry) bool {
	if e.Mode&TypeMask == TypeChar && e.Major == node.Major && e.Minor == node.Minor {
		return false
	}
	what := fmt.Sprintf("%s is %s and not the device %d:%d", p.shown(e), kind(e), node.Major, node.Minor)
	if e.Mode&TypeMask == TypeChar || e.Mode&TypeMask == TypeBlock {
		what = fmt.Sprintf("%s is %s %d:%d and not %d:%d", p.shown(e), kind(e), e.Major, e.Minor, node.Major, node.Minor)
	}
	if !e.Brought {
		p.warn(e, "%s, which programs look for there", what)
		return false
	}
	p.warn(e, "%s, which takes its place", what)
	p.entries = slices.DeleteFunc(p.entries, func(other *Entry) bool {
		return other == e || other.Brought && strings.HasPrefix(other.Path, e.Path+"/")
	})
	return true
}

// addFiles adds the Files of the options where there is nothing.
func (p *planner) addFiles() {
	var missing []*Entry
	for _, e := range p.options.Files {
		place, err := p.links.place(e.Path)
		if err != nil {
			continue // whoever needs the file says so
		}
		if _, found := p.find(place); !found {
			e.Path = place
			missing = append(missing, e)
		}
	}
	p.insert(missing)
	p.makeParents()
}

func (p *planner) warn(e *Entry, format string, args ...any) {
	if p.options.Warn != nil {
		p.options.Warn(e.Origin + ": " + fmt.Sprintf(format, args...))
	}
}
