package plan

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/internal/xattr"
)

// The bounds of a newc archive, and of the kernel's unpacker, which silently drops the rest.
const (
	maxMajor = 1<<12 - 1 // MKDEV in include/linux/kdev_t.h
	maxMinor = 1<<20 - 1
)

// checkBounds reports what an archive cannot express.
func (p *planner) checkBounds() {
	for _, e := range p.entries {
		if msg := cmp.Or(e.misfit(), e.xattrMisfit()); msg != "" {
			p.fail(e, "", "%s", msg)
		}
	}
}

// misfit names the part of e that does not fit, or returns "".
func (e *Entry) misfit() string {
	name := e.Path[1:]
	switch {
	case len(name) >= cpio.PathMax:
		return fmt.Sprintf("a path of %d bytes, where Linux takes %d at most", len(name), cpio.PathMax-1)
	case len(name) > cpio.NameMax && longest(name) > cpio.NameMax:
		return fmt.Sprintf("a name of %d bytes, where Linux takes %d at most", longest(name), cpio.NameMax)
	case strings.Contains(name, "\x00"):
		return "a NUL byte in the path"
	case name == cpio.Trailer:
		return "the name that ends an archive"
	case name == bootplan.Dir, strings.HasPrefix(name, bootplan.Dir+"/"):
		return "a name that the image needs for itself"
	case e.MTime < 0 || e.MTime > math.MaxUint32:
		return fmt.Sprintf("modification time %d is outside 1970-01-01 .. 2106-02-07, all that newc holds", e.MTime)
	case e.UID == math.MaxUint32 || e.GID == math.MaxUint32:
		return fmt.Sprintf("owner %d:%d: chown(2) takes %d for \"leave it\"", e.UID, e.GID, uint32(math.MaxUint32))
	case e.Mode&^(TypeMask|0o7777) != 0:
		return fmt.Sprintf("mode %#o has unknown bits", e.Mode)
	}
	switch e.Mode & TypeMask {
	case TypeFile:
		if e.Size < 0 || e.Size > math.MaxUint32 {
			return fmt.Sprintf("a file of %d bytes, where newc holds %d at most", e.Size, uint32(math.MaxUint32))
		}
	case TypeLink:
		switch {
		case e.Target == "":
			return "a symbolic link without a target"
		case len(e.Target) >= cpio.PathMax:
			return fmt.Sprintf("a link target of %d bytes, where Linux takes %d at most", len(e.Target), cpio.PathMax-1)
		case strings.Contains(e.Target, "\x00"):
			return "a NUL byte in the link target"
		}
	case TypeChar, TypeBlock:
		if e.Major > maxMajor || e.Minor > maxMinor {
			return fmt.Sprintf("device %d:%d, where Linux takes %d:%d at most", e.Major, e.Minor, maxMajor, maxMinor)
		}
	case TypeDir, TypeFIFO, TypeSocket:
	default:
		return fmt.Sprintf("mode %#o has no known file type", e.Mode)
	}
	return ""
}

// xattrMisfit names the extended attribute that Linux would refuse for e, or returns "".
func (e *Entry) xattrMisfit() string {
	for _, name := range slices.Sorted(maps.Keys(e.Xattrs)) {
		value := e.Xattrs[name]
		switch {
		case len(name) > xattr.NameMax:
			return fmt.Sprintf("the name of an extended attribute of %d bytes, where Linux takes %d at most", len(name), xattr.NameMax)
		case len(value) > xattr.SizeMax:
			return fmt.Sprintf("%s of %d bytes, where Linux takes %d at most", name, len(value), xattr.SizeMax)
		case !xattr.Storable(name):
			return fmt.Sprintf("%q is no extended attribute that an image can carry", name)
		case !xattr.Takes(e.Mode, name):
			return fmt.Sprintf("%s on %s, which Linux does not take", name, kind(e))
		}
	}
	return ""
}

// longest is the length of the longest element of name.
func longest(name string) int {
	n := 0
	for element := range strings.SplitSeq(name, "/") {
		n = max(n, len(element))
	}
	return n
}
