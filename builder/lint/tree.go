package lint

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/elfdeps"
)

// Tree returns the root of a plan as one in which libraries are searched.
func Tree(planned []*plan.Entry) elfdeps.Root { return tree{Planned(planned)} }

// tree is a root in which libraries are searched.
type tree struct{ root Root }

func (t tree) Open(path string) (elfdeps.File, string, error) {
	e := plan.Find(t.root.Entries(), path)
	if e == nil || !e.IsFile() {
		return nil, "", fs.ErrNotExist
	}
	f, err := t.root.Open(e)
	if err != nil {
		return nil, "", err
	}
	return f, e.File().Path, nil
}

func (t tree) List(path string) (names []string, place string) {
	entries := t.root.Entries()
	dir := plan.Find(entries, path)
	if dir == nil || !dir.IsDir() {
		return nil, ""
	}
	below := strings.TrimSuffix(dir.Path, "/") + "/"
	first, _ := slices.BinarySearchFunc(entries, below, func(e *plan.Entry, below string) int { return strings.Compare(e.Path, below) })
	for _, e := range entries[first:] {
		name, ok := strings.CutPrefix(e.Path, below)
		if !ok {
			break
		}
		if name != "" && !strings.Contains(name, "/") {
			names = append(names, name)
		}
	}
	return names, dir.Path
}
