package layout

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// xattrTable returns the extended attributes of the root, sorted by name and value. A file with
// several names is listed once.
func xattrTable(entries []*plan.Entry) []bootplan.Xattr {
	type attr struct{ name, value string }
	paths := map[attr][]string{}
	for _, e := range entries {
		if e.First != nil {
			continue
		}
		for name, value := range e.Xattrs {
			a := attr{name, value}
			paths[a] = append(paths[a], e.Path)
		}
	}
	var list []bootplan.Xattr
	for a, paths := range paths {
		list = append(list, bootplan.Xattr{Name: a.name, Value: a.value, Paths: paths})
	}
	slices.SortFunc(list, func(a, b bootplan.Xattr) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
	})
	return list
}
