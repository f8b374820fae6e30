package builder

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// rdinit is what init.rdinit comes to: links to the stub at other names than /init.
type rdinit struct {
	plan  []bootplan.Rdinit // links in the manifest's order, then directories made for them, deepest first
	links []*plan.Entry     // of the boot segment; a bound root has them among its own entries
}

// nameStub makes init.rdinit's names lead to the stub. Under tmpfs they are in the boot
// segment, and the root knows nothing of them. A bound root is rootfs itself: what it has
// at a name waits elsewhere until the stub puts it back.
func (b *build) nameStub() error {
	names := b.manifest.Init.Rdinit
	if len(names) == 0 {
		return nil
	}
	bound := b.manifest.Root.Type == manifests.Bind
	around := b.entries
	if !bound {
		var err error
		if around, err = b.bootCopies(); err != nil {
			return err
		}
		around = b.withDirs(around)
	}
	var made []string
	for _, name := range names {
		place, missing, err := placeOf(around, name.Path)
		there := entryAt(around, place)
		if err == nil && there != nil && there.IsDir() {
			err = fmt.Errorf("%s is a directory", place)
		}
		if err != nil {
			return at(name.Pos, fmt.Errorf("rdinit %q: %w", name.Path, err))
		}
		if entryAt(b.rdinit.links, place) != nil {
			b.rdinit.plan = append(b.rdinit.plan, bootplan.Rdinit{Name: name.Path}) // by another name
			continue
		}
		if there != nil && !bound {
			b.report.Warnings = append(b.report.Warnings, fmt.Sprintf("%s: rdinit: the link to the stub takes the place of %s, which boot names", name.Pos, place))
		}
		made = append(made, missing...)
		b.rdinit.plan = append(b.rdinit.plan, bootplan.Rdinit{Name: name.Path, Place: place})
		b.rdinit.links = append(b.rdinit.links, &plan.Entry{
			Path: place, Mode: plan.TypeLink | 0o777, MTime: b.clock().Epoch, Target: "/init", Nlink: 1,
		})
	}
	slices.Sort(made)
	made = slices.Compact(made)
	if bound {
		b.bindNames(made)
	}
	for _, dir := range slices.Backward(made) {
		b.rdinit.plan = append(b.rdinit.plan, bootplan.Rdinit{Place: dir})
	}
	return nil
}

// bindNames puts the links among the entries of a bound root, with the directories made
// for them, and its own entries at these places aside.
func (b *build) bindNames(made []string) {
	for _, dir := range made {
		b.insert(&plan.Entry{Path: dir, Mode: plan.TypeDir | 0o755, MTime: b.clock().Epoch, Nlink: 2, Implied: true})
	}
	for i, r := range b.rdinit.plan {
		if r.Place == "" {
			continue
		}
		own, link := entryAt(b.entries, r.Place), entryAt(b.rdinit.links, r.Place)
		b.insert(link)
		if own != nil {
			b.setAside(own, "/"+bootplan.RdinitName(i))
		}
	}
	b.rdinit.links = nil
}

// insert adds an entry behind what comes before its path.
func (b *build) insert(e *plan.Entry) {
	i := len(b.entries)
	for i > 1 && b.entries[i-1].Path > e.Path {
		i--
	}
	b.entries = slices.Insert(b.entries, i, e)
}

// withDirs returns entries, sorted, with the directories that the boot segment has around
// them.
func (b *build) withDirs(entries []*plan.Entry) []*plan.Entry {
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

// placeOf returns where a name is once the links on the way to it are followed, and which
// directories it lacks there. It need not be there itself. The entries are sorted.
func placeOf(entries []*plan.Entry, name string) (place string, missing []string, err error) {
	parent := path.Dir(name)
	dir := plan.Find(entries, parent)
	switch {
	case dir == nil:
		if parent, missing, err = placeOf(entries, parent); err != nil {
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

// entryAt returns the entry with this path, nil if there is none.
func entryAt(entries []*plan.Entry, name string) *plan.Entry {
	for _, e := range entries {
		if e.Path == name {
			return e
		}
	}
	return nil
}
