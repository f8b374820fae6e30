package layout

import (
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// kernelCopy is the path at which some kernels leave a copy of an image that they could not
// read to its end. The stub removes it, unless the boot plan names it as the root's own.
const kernelCopy = "/initrd.image"

// withPlaces returns the root's directories and links to directories, except those below the
// mount points of every root, and then the named entries. The kernel makes no parents: with
// these in the boot segment, an archive that a boot loader appends may hold etc/x alone.
func withPlaces(named, root []*plan.Entry) []*plan.Entry {
	have := map[*plan.Entry]bool{}
	for _, e := range named {
		have[e] = true
	}
	var all []*plan.Entry
	for _, e := range root[1:] {
		if !mounted(e.Path) && (e.IsDir() || !have[e] && leadsToDir(root, e)) {
			all = append(all, e)
		}
	}
	return append(all, named...)
}

// mounted reports whether a mount usually hides the path.
func mounted(path string) bool {
	for _, dir := range []string{"/dev/", "/proc/", "/run/", "/sys/"} {
		if strings.HasPrefix(path, dir) {
			return true
		}
	}
	return false
}

// leadsToDir reports whether e is a symbolic link to a directory of the root.
func leadsToDir(root []*plan.Entry, e *plan.Entry) bool {
	if !e.IsLink() {
		return false
	}
	target := plan.Find(root, e.Path)
	return target != nil && target.IsDir()
}
