package lint

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// modulesWithoutDep finds directories with kernel modules but without modules.dep.
// modprobe finds no module there.
func modulesWithoutDep(s *subject) *Finding {
	entries := s.Entries()
	var lacking []string
	var first *plan.Entry
	for _, dir := range moduleDirs(entries) {
		if plan.Find(entries, dir+"/modules.dep") != nil {
			continue
		}
		if module := firstModule(entries, dir); module != nil {
			lacking = append(lacking, dir)
			if first == nil {
				first = module
			}
		}
	}
	if lacking == nil {
		return nil
	}
	where := strings.Join(lacking[:min(3, len(lacking))], ", ")
	if len(lacking) > 3 {
		where = fmt.Sprintf("%d directories, %s", len(lacking), where)
	}
	return &Finding{
		Place: first.Origin,
		Words: fmt.Sprintf("no modules.dep in %s: modprobe finds no module there", printable(where)),
		Hint:  fmt.Sprintf("depmod -b ROOT %s makes it, where ROOT is the directory that becomes /", printable(path.Base(lacking[0]))),
	}
}

// moduleDirs returns the directories of modules, one for each kernel, as
// /lib/modules/VERSION leads to them.
func moduleDirs(entries []*plan.Entry) []string {
	var dirs []string
	for _, top := range present(entries, "/lib/modules", "/usr/lib/modules") {
		for _, e := range entries {
			if path.Dir(e.Path) == top && e.Path != top {
				dirs = append(dirs, present(entries, e.Path)...)
			}
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// firstModule returns the first module below dir, compressed or not, or nil.
func firstModule(entries []*plan.Entry, dir string) *plan.Entry {
	for _, e := range entries {
		name := path.Base(e.Path)
		for _, suffix := range []string{".gz", ".xz", ".zst"} {
			name = strings.TrimSuffix(name, suffix)
		}
		if isModule(name) && !e.IsDir() && strings.HasPrefix(e.Path, dir+"/") {
			return e
		}
	}
	return nil
}
