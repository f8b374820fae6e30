package difference

import (
	"maps"
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// Names of attributes.
const (
	Type    = "type"
	Mode    = "mode"
	Owner   = "owner"
	Size    = "size"
	Content = "content"
	Target  = "target"
	Device  = "device"
	MTime   = "mtime"
	Xattrs  = "xattrs"
	Links   = "links"
)

// Names of the parts of an image beside its root.
const (
	Plan     = "plan"
	Beside   = "beside"
	Segments = "segments"
)

// Attribute is an attribute of an entry, or one of its extended attributes.
type Attribute struct {
	Name  string
	Xattr string // name of an extended attribute, or ""
}

// row is an attribute with one value. Entries of different types have different attributes,
// which the type explains: has reports whether an entry has this one.
type row struct {
	name string
	same func(a, b *Entry) bool
	has  func(e *Entry) bool
}

// rows are the attributes that follow from two entries alone, in the order in which they are
// shown.
var rows = [...]row{
	{Type, func(a, b *Entry) bool { return kind(a) == kind(b) }, every},
	{Mode, func(a, b *Entry) bool { return a.Mode&0o7777 == b.Mode&0o7777 }, func(e *Entry) bool { return kind(e) != cpio.TypeLink }},
	{Owner, func(a, b *Entry) bool { return a.UID == b.UID && a.GID == b.GID }, func(e *Entry) bool { return !e.NoOwner }},
	{Size, func(a, b *Entry) bool { return a.Size == b.Size }, isFile},
	{Content, func(a, b *Entry) bool { return a.Size == b.Size && a.Sum == b.Sum }, isFile},
	{Target, func(a, b *Entry) bool { return a.Target == b.Target }, isType(cpio.TypeLink)},
	{Device, func(a, b *Entry) bool { return a.Major == b.Major && a.Minor == b.Minor }, isType(cpio.TypeChar, cpio.TypeBlock)},
	{MTime, func(a, b *Entry) bool { return a.MTime == b.MTime }, every},
}

// Ignorable returns the names that a comparison can leave out: attributes of entries, then
// parts of an image.
func Ignorable() []string {
	var names []string
	for _, r := range rows {
		names = append(names, r.name)
	}
	return append(names, Xattrs, Links, Plan, Beside, Segments)
}

// differences returns the attributes that differ, without links, which follow from all entries.
func differences(a, b *Entry, ignore map[string]bool) (found []Attribute) {
	for _, r := range rows {
		if !ignore[r.name] && r.has(a) && r.has(b) && !r.same(a, b) {
			found = append(found, Attribute{Name: r.name})
		}
	}
	if ignore[Xattrs] || len(a.Xattrs) == 0 && len(b.Xattrs) == 0 {
		return found
	}
	names := map[string]string{}
	maps.Copy(names, a.Xattrs)
	maps.Copy(names, b.Xattrs)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		x, inA := a.Xattrs[name]
		y, inB := b.Xattrs[name]
		if x != y || inA != inB {
			found = append(found, Attribute{Xattrs, name})
		}
	}
	return found
}

func kind(e *Entry) uint32 { return e.Mode & cpio.TypeMask }

func every(*Entry) bool { return true }

func isFile(e *Entry) bool { return kind(e) == cpio.TypeFile }

// isType returns a function that reports whether an entry has one of the types.
func isType(types ...uint32) func(e *Entry) bool {
	return func(e *Entry) bool { return slices.Contains(types, kind(e)) }
}
