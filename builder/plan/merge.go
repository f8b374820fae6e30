package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// merge leaves one entry for every path.
func (p *planner) merge() {
	kept := p.entries[:0]
	for first := 0; first < len(p.entries); {
		end := first + 1
		for end < len(p.entries) && p.entries[end].Path == p.entries[first].Path {
			end++
		}
		kept = append(kept, p.mergePath(p.entries[first:end]))
		first = end
	}
	p.entries = kept
	p.tellYielded()
}

// mergePath returns the remaining one of several entries for one path.
func (p *planner) mergePath(candidates []*Entry) *Entry {
	var winner *Entry
	for i := range candidates {
		e := candidates[i]
		if i+1 < len(candidates) && sameArchive(e, candidates[i+1]) {
			continue
		}
		if winner == nil {
			winner = e
			continue
		}
		stays, agreed := judge(winner, e)
		if !agreed {
			what := "already added " + place(winner)
			if winner.IsDir() && e.IsDir() {
				what = "a directory with other metadata was " + what
			}
			p.fail(e, `add "replace: true" here if this one is to win`, "%s", what)
		}
		winner = stays
	}
	for _, e := range candidates {
		if e.GivesWay && !winner.GivesWay && e.Origin != winner.Origin {
			p.yielded = append(p.yielded, e)
		}
	}
	return winner
}

// tellYielded warns of entries that have given way, in one line for each item.
func (p *planner) tellYielded() {
	const most = 8 // that are named
	slices.SortStableFunc(p.yielded, func(a, b *Entry) int { return natural(a.Origin, b.Origin) })
	for list := p.yielded; len(list) > 0; {
		var names []string
		n := 0
		for ; n < len(list) && list[n].Origin == list[0].Origin; n++ {
			if n < most {
				names = append(names, p.shown(list[n]))
			}
		}
		if n > most {
			names = append(names, fmt.Sprintf("and %d more", n-most))
		}
		p.warn(list[0], "links that give way to other entries: %s", strings.Join(names, ", "))
		list = list[n:]
	}
}

// judge says which of two entries for one place stays; first comes before second
// in the manifest. It is not agreed when nothing says which one should.
func judge(first, second *Entry) (stays *Entry, agreed bool) {
	switch {
	case first.GivesWay && second.GivesWay && first.Mode == second.Mode && first.Target == second.Target:
		return first, true // /bin/x and /usr/bin/x, where /bin leads to /usr/bin
	case yields(first, second):
		return second, true
	case yields(second, first):
		return first, true
	case sameArchive(first, second):
		return second, true
	case first.IsDir() && second.IsDir():
		switch {
		case second.Implied:
			// Of two trees the first one has the say: an overlay does not know
			// that /tmp is 1777.
			return first, true
		case first.Implied || second.Replace || sameMetadata(first, second):
			return second, true
		}
		return first, false
	case first.IsLink() && second.IsDir() && (second.Implied || !second.Replace):
		return first, true // the directory is what the link leads to
	case second.Replace:
		return second, true
	case first.IsDir() && second.IsLink():
		return second, true
	}
	return first, false
}

// yields reports whether another entry for the place of e wins because e gives way.
func yields(e, other *Entry) bool {
	return e.GivesWay && !other.GivesWay && (!e.Replace || e.Origin == other.Origin)
}

func sameArchive(a, b *Entry) bool {
	return a.Source != 0 && a.Source == b.Source
}

func sameMetadata(a, b *Entry) bool {
	return a.Mode == b.Mode && a.UID == b.UID && a.GID == b.GID && sameNames(a.Names, b.Names) && a.MTime == b.MTime && maps.Equal(a.Xattrs, b.Xattrs)
}

func sameNames(a, b *Names) bool {
	return a == b || a != nil && b != nil && a.User.Text == b.User.Text && a.Group.Text == b.Group.Text
}

// checkParents reports entries below something other than a directory.
func (p *planner) checkParents() {
	last := "/"
	for _, e := range p.entries {
		if parent(e.Path) == last {
			continue
		}
		last = parent(e.Path)
		at, _ := p.find(last)
		if up := p.entries[at]; !up.IsDir() {
			hint := ""
			if up.Replace {
				hint = "a directory can only be replaced together with all that is in it"
			}
			p.fail(e, hint, "%s is %s, added %s", last, kind(up), place(up))
		}
	}
}
