package builder

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/stub/bootplan"
)

// xattrs are the extended attributes of the root, sorted by name and value. A file
// with several names has them once.
func (b *build) xattrs() []bootplan.Xattr {
	type attr struct{ name, value string }
	paths := map[attr][]string{}
	seen := map[uint32]bool{}
	for i := range b.entries {
		e := &b.entries[i]
		if len(e.Xattrs) == 0 {
			continue
		}
		if e.Nlink > 1 && !e.IsDir() {
			if seen[e.Ino] {
				continue
			}
			seen[e.Ino] = true
		}
		path := e.Path
		if path == "/"+bootplan.Init { // where hideInit has put it
			path = "/init"
		}
		for name, value := range e.Xattrs {
			a := attr{name, value}
			paths[a] = append(paths[a], path)
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
