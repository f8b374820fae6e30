package plan

import (
	"maps"

	"github.com/mkinitfs/mkinitfs/internal/xattr"
)

// DropUnstorable drops the extended attributes that only the file system of a source has,
// such as btrfs.compression or system.nfs4_acl: no root in memory can hold them.
func DropUnstorable(entries []*Entry) {
	unstorable := func(name, _ string) bool { return !xattr.Storable(name) }
	for _, e := range entries {
		for name := range e.Xattrs {
			if unstorable(name, "") {
				e.Xattrs = maps.Clone(e.Xattrs) // others may share them
				maps.DeleteFunc(e.Xattrs, unstorable)
				break
			}
		}
	}
}
