package layout

import (
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// storeOnce removes the files that boot names, with all of their names, from the items of a
// tmpfs root. The kernel unpacks them to rootfs, where drivers may ask for them, and the stub
// copies them into the new root. A file stays in the root, and is stored twice, if rootfs has
// another entry at one of its names.
func storeOnce(items []Item, named, links []*plan.Entry) (rest, once []Item) {
	wanted := map[*plan.Entry]bool{}
	for _, e := range named {
		if e.IsFile() {
			wanted[e.File()] = true
		}
	}
	for _, it := range items {
		if taken(it.path()) || entryAt(links, it.path()) != nil {
			delete(wanted, it.Entry.File())
		}
	}
	if len(wanted) == 0 {
		return items, nil
	}
	for _, it := range items {
		if wanted[it.Entry.File()] {
			once = append(once, it)
		} else {
			rest = append(rest, it)
		}
	}
	return rest, once
}

// taken reports whether the boot segment has an entry of its own at the path.
func taken(path string) bool {
	return slices.Contains([]string{"/init", "/dev/console", "/dev/null", kernelCopy}, path)
}

// endOnce returns the archive of the files that are stored once. Its last entry says that
// the kernel has unpacked all of it.
func endOnce(once []Item, mtime int64) *Member {
	if len(once) == 0 {
		return nil
	}
	members := []Member{newMember(once)}
	endMembers(members, mtime)
	return &members[0]
}

// toldOnce returns the part of the boot plan about the files that are stored once.
func toldOnce(once *Member) []bootplan.Once {
	var told []bootplan.Once
	if once == nil {
		return nil
	}
	for _, it := range once.Items[:len(once.Items)-1] {
		told = append(told, bootplan.Once{Path: it.path(), Size: it.Entry.File().Size, MTime: it.Entry.MTime})
	}
	return told
}
