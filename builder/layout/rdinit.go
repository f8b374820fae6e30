package layout

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// stubNames are the names of the stub beside /init.
type stubNames struct {
	names []bootplan.Rdinit // in the manifest's order
	links []*plan.Entry     // one for each name, unless another name leads to the same link
	dirs  []string          // directories that the links need, sorted
}

// nameStub makes the names of init.rdinit lead to the stub. Under tmpfs they are in the boot
// segment and not in the root. A bound root is rootfs itself, so there they are in the root.
func nameStub(entries, copies []*plan.Entry, o Options) (stubNames, error) {
	var s stubNames
	if len(o.Rdinit) == 0 {
		return s, nil
	}
	around := entries
	if o.Type != Bind {
		around = withDirs(copies)
	}
	for _, name := range o.Rdinit {
		target, missing, err := follow(around, name.Path)
		there := entryAt(around, target)
		if err == nil && there != nil && there.IsDir() {
			err = fmt.Errorf("%s is a directory", target)
		}
		if err != nil {
			return s, plan.Errors{{Origin: name.Origin, Path: fmt.Sprintf("rdinit %q", name.Path), Msg: err.Error(), Cause: err}}
		}
		if entryAt(s.links, target) != nil {
			s.names = append(s.names, bootplan.Rdinit{Name: name.Path}) // by another name
			continue
		}
		if there != nil && o.Type != Bind && o.Warn != nil {
			o.Warn(fmt.Sprintf("%s: rdinit: the link to the stub takes the place of %s, which boot names", name.Origin, target))
		}
		s.dirs = append(s.dirs, missing...)
		s.names = append(s.names, bootplan.Rdinit{Name: name.Path, Place: target})
		s.links = append(s.links, &plan.Entry{Path: target, Mode: plan.TypeLink | 0o777, MTime: o.MTime, Target: "/init", Nlink: 1})
	}
	slices.Sort(s.dirs)
	s.dirs = slices.Compact(s.dirs)
	return s, nil
}

// rdinit returns the part of the boot plan for the names: first the names, then the
// directories, deepest first.
func (s stubNames) rdinit() []bootplan.Rdinit {
	all := slices.Clone(s.names)
	for _, dir := range slices.Backward(s.dirs) {
		all = append(all, bootplan.Rdinit{Place: dir})
	}
	return all
}

// bind adds the links and their directories to the items of a bound root. The root's own
// items there move to /.mkinitfs until the stub puts them back.
func (s stubNames) bind(items []Item, mtime int64) []Item {
	for _, dir := range s.dirs {
		items = insert(items, &plan.Entry{Path: dir, Mode: plan.TypeDir | 0o755, MTime: mtime, Nlink: 2, Implied: true})
	}
	for i, r := range s.names {
		if r.Place == "" {
			continue
		}
		own := slices.IndexFunc(items, func(it Item) bool { return "/"+it.Name == r.Place })
		items = insert(items, entryAt(s.links, r.Place)) // behind own
		if own >= 0 {
			items[own].Name = bootplan.RdinitName(i)
		}
	}
	return items
}

// insert adds an entry behind the last item whose name does not sort after it.
func insert(items []Item, e *plan.Entry) []Item {
	added := itemOf(e)
	i := len(items)
	for i > 1 && items[i-1].Name > added.Name {
		i--
	}
	return slices.Insert(items, i, added)
}

// withDirs returns the sorted entries with their parent directories in the boot segment.
func withDirs(entries []*plan.Entry) []*plan.Entry {
	all := map[string]*plan.Entry{}
	var dir func(name string)
	dir = func(name string) {
		if all[name] != nil {
			return
		}
		all[name] = &plan.Entry{Path: name, Mode: plan.TypeDir | 0o755}
		dir(path.Dir(name))
	}
	for _, e := range entries {
		all[e.Path] = e
	}
	for _, e := range entries {
		dir(path.Dir(e.Path))
	}
	dir("/dev")
	return slices.SortedFunc(maps.Values(all), func(a, b *plan.Entry) int { return strings.Compare(a.Path, b.Path) })
}

// follow returns the path of a name once the links on the way to it are followed, and the
// directories that are missing there. The name itself need not exist. The entries are sorted.
func follow(entries []*plan.Entry, name string) (target string, missing []string, err error) {
	parent := path.Dir(name)
	dir := plan.Find(entries, parent)
	switch {
	case dir == nil:
		if parent, missing, err = follow(entries, parent); err != nil {
			return "", nil, err
		}
		if entryAt(entries, parent) != nil {
			return "", nil, fmt.Errorf("%s is a link that leads nowhere", parent)
		}
		missing = append(missing, parent)
	case !dir.IsDir():
		return "", nil, fmt.Errorf("%s is not a directory", parent)
	default:
		parent = dir.Path
	}
	return path.Join(parent, path.Base(name)), missing, nil
}

// entryAt returns the entry with this path, or nil.
func entryAt(entries []*plan.Entry, name string) *plan.Entry {
	for _, e := range entries {
		if e.Path == name {
			return e
		}
	}
	return nil
}
