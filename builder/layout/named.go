package layout

import (
	"fmt"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// named holds the entries that the manifest's boot patterns name, with the links on the way to
// them.
type named struct {
	entries []*plan.Entry // in the order of the patterns, each once
	have    map[*plan.Entry]bool
}

// name returns the entries of the root that the boot patterns name. A pattern leads through
// the links of the root as far as it is literal. The links on the way are named too, and so
// is the target of a link. A directory is named without its contents.
func name(root []*plan.Entry, o Options) ([]*plan.Entry, error) {
	n := named{have: map[*plan.Entry]bool{}}
	var problems plan.Errors
	for _, g := range o.Boot {
		matches, way := plan.Match(root, g.Pattern)
		if len(matches) == 0 {
			if !g.Optional {
				problems = append(problems, g.Unmatched())
			}
			continue
		}
		for _, e := range way {
			n.add(e)
		}
		for _, e := range matches {
			n.add(e)
			if target := plan.Follow(root, e.Path, n.add); target != nil {
				n.add(target)
			} else if o.Warn != nil {
				o.Warn(fmt.Sprintf("%s: boot: %s is a link that leads nowhere", g.Origin, e.Path))
			}
		}
	}
	return n.entries, problems.Sorted()
}

func (n *named) add(e *plan.Entry) {
	if !n.have[e] {
		n.have[e] = true
		n.entries = append(n.entries, e)
	}
}

// namedFirst returns the items with the files that the boot patterns name before all other
// files, so that the kernel unpacks them early. All other items come first, so that every file
// finds its parent.
func namedFirst(items []Item, names []*plan.Entry) []Item {
	wanted := map[*plan.Entry]bool{}
	for _, e := range names {
		wanted[e.File()] = true
	}
	var nodes, early, late []Item
	for _, it := range items {
		switch e := it.Entry; {
		case !e.IsFile():
			nodes = append(nodes, it)
		case wanted[e.File()]:
			early = append(early, it)
		default:
			late = append(late, it)
		}
	}
	if len(early) == 0 {
		return items
	}
	return append(append(nodes, early...), late...)
}
