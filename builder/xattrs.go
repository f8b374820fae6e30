package builder

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/xattr"
)

// dropForeign drops the extended attributes that only the file system of a source has,
// such as btrfs.compression or system.nfs4_acl: no root in memory can hold them.
func dropForeign(entries []*plan.Entry) {
	foreign := func(name, _ string) bool { return !xattr.Storable(name) }
	for _, e := range entries {
		for name := range e.Xattrs {
			if foreign(name, "") {
				e.Xattrs = maps.Clone(e.Xattrs) // others may share them
				maps.DeleteFunc(e.Xattrs, foreign)
				break
			}
		}
	}
}

// xattrs are the extended attributes of the root, sorted by name and value. A file
// with several names has them once.
func (b *build) xattrs() []bootplan.Xattr {
	type attr struct{ name, value string }
	paths := map[attr][]string{}
	seen := map[uint32]bool{}
	for _, e := range b.entries {
		if len(e.Xattrs) == 0 {
			continue
		}
		if e.Nlink > 1 && !e.IsDir() {
			if seen[e.Ino] {
				continue
			}
			seen[e.Ino] = true
		}
		path := cmp.Or(b.aside[e.Path], e.Path)
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
