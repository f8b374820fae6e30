package plan

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// What fits into a newc archive, and what the kernel unpacks from one. It drops
// the rest without a word.
const (
	pathMax  = 4096      // PATH_MAX, with the NUL at the end
	nameMax  = 255       // NAME_MAX, of one element of a path
	maxMajor = 1<<12 - 1 // MKDEV in include/linux/kdev_t.h
	maxMinor = 1<<20 - 1

	maxXattrName  = 255     // XATTR_NAME_MAX in include/uapi/linux/limits.h
	maxXattrValue = 1 << 16 // XATTR_SIZE_MAX
)

// checkBounds reports what an archive cannot express.
func (p *planner) checkBounds() {
	for _, e := range p.entries {
		if msg := cmp.Or(e.misfit(), e.xattrMisfit()); msg != "" {
			p.fail(e, "", "%s", msg)
		}
	}
}

// misfit says what about e does not fit, or "".
func (e *Entry) misfit() string {
	name := e.Path[1:]
	switch {
	case len(name) >= pathMax:
		return fmt.Sprintf("a path of %d bytes, where Linux takes %d at most", len(name), pathMax-1)
	case len(name) > nameMax && longest(name) > nameMax:
		return fmt.Sprintf("a name of %d bytes, where Linux takes %d at most", longest(name), nameMax)
	case strings.Contains(name, "\x00"):
		return "a NUL byte in the path"
	case name == "TRAILER!!!":
		return "the name that ends an archive"
	case name == ".mkinitfs", strings.HasPrefix(name, ".mkinitfs/"):
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
		case len(e.Target) >= pathMax:
			return fmt.Sprintf("a link target of %d bytes, where Linux takes %d at most", len(e.Target), pathMax-1)
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

// xattrMisfit says which extended attribute Linux would not take for e, or "".
func (e *Entry) xattrMisfit() string {
	for _, name := range slices.Sorted(maps.Keys(e.Xattrs)) {
		value := e.Xattrs[name]
		space, _, _ := strings.Cut(name, ".")
		switch {
		case len(name) > maxXattrName:
			return fmt.Sprintf("the name of an extended attribute of %d bytes, where Linux takes %d at most", len(name), maxXattrName)
		case len(value) > maxXattrValue:
			return fmt.Sprintf("%s of %d bytes, where Linux takes %d at most", name, len(value), maxXattrValue)
		case space != "user" && space != "trusted" && space != "security" && !strings.HasPrefix(name, "system.posix_acl_"):
			return fmt.Sprintf("%q is no extended attribute that an image can carry", name)
		case !e.takes(name):
			return fmt.Sprintf("%s on %s, which Linux does not take", name, kind(e))
		}
	}
	return ""
}

// takes reports whether Linux has the extended attribute called name for files of
// e's type: xattr_permission in fs/xattr.c, cap_convert_nscap in
// security/commoncap.c.
func (e *Entry) takes(name string) bool {
	switch {
	case name == "security.capability":
		return e.IsFile()
	case strings.HasPrefix(name, "user."):
		return e.IsFile() || e.IsDir()
	case strings.HasPrefix(name, "system.posix_acl_"):
		return !e.IsLink()
	}
	return true
}

// longest is the length of the longest element of name.
func longest(name string) int {
	n := 0
	for element := range strings.SplitSeq(name, "/") {
		n = max(n, len(element))
	}
	return n
}
