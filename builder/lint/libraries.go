package lint

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/elfdeps"
)

// lacking is what a program needs and does not find.
type lacking struct {
	absent []string // names that the root does not have, the loader first
	astray []string // names of libraries in directories where the loader does not look
	where  string   // the directory of the first one
}

// missingLibraries returns what the loader of a program does not find. If the directories of the
// loader are not known, a library may lie anywhere. A file for another machine is left to
// [Foreign].
func missingLibraries(r Root, program string) (l lacking) {
	found, err := elfdeps.New(tree{r}, anywhere{tree{r}}).Libraries(program, nil)
	if err != nil {
		return l
	}
	noLoader := false
	for _, lib := range found.Libraries {
		switch {
		case lib.Root == 0 && lib.Config == "":
		case lib.Name == found.Loader:
			noLoader = true
		case !found.Guessed:
			if l.where == "" {
				l.where = path.Dir(lib.Place)
			}
			l.astray = append(l.astray, lib.Name)
		}
	}
	entries := r.Entries()
	musl := slices.ContainsFunc(entries, func(e *plan.Entry) bool { return strings.HasPrefix(path.Base(e.Path), "ld-musl-") })
	for _, m := range found.Missing {
		switch {
		case m.Name == found.Loader:
			noLoader = noLoader || len(m.Unfit) == 0
		case len(m.Unfit) > 0, musl && elfdeps.InMusl(m.Name):
		default:
			l.absent = append(l.absent, withDangling(entries, m.Name))
		}
	}
	slices.Sort(l.absent)
	if noLoader {
		l.absent = slices.Insert(l.absent, 0, withTarget(entries, found.Loader))
	}
	return l
}

// withDangling returns the name of a library, with the target of a link of that name that leads
// nowhere.
func withDangling(entries []*plan.Entry, name string) string {
	for _, e := range entries {
		if e.IsLink() && path.Base(e.Path) == name {
			return name + " -> " + e.Target
		}
	}
	return name
}

// anywhere is a root in which every path leads to the first file of its last name.
type anywhere struct{ tree }

func (a anywhere) Open(name string) (elfdeps.File, string, error) {
	for _, e := range a.root.Entries() {
		if path.Base(e.Path) == path.Base(name) {
			if f, place, err := a.tree.Open(e.Path); err == nil {
				return f, place, nil
			}
		}
	}
	return nil, "", fs.ErrNotExist
}
