// Package difference compares two roots, entry by entry, and what surrounds them in two images.
//
// A [Side] is an image, a planned image or a directory, and [Of] compares two of them. It
// reads the contents of two files only if they have the same size, and keeps their SHA-256. It
// leaves out attributes that one side does not know, and [Result.Skipped] names them.
//
//	difference.go, attributes.go        two lists of entries; no file is read here
//	facts.go                         boot plans, and images as such
//	sides.go, texts.go               two sides, and the contents of their files
//	image.go, plan.go, directory.go  one kind of side each
package difference

import (
	"cmp"
	"crypto/sha256"
	"iter"
	"slices"
	"strings"
)

// Entry is one path of a root.
type Entry struct {
	Path    string // absolute and clean
	Mode    uint32 // type and permission bits, as in cpio
	UID     uint32
	GID     uint32
	NoOwner bool  // the side cannot tell the owner
	Size    int64 // bytes of a regular file
	MTime   int64 // seconds since 1970
	Major   uint32
	Minor   uint32
	Target  string // of a symbolic link

	// HardLinkOf is the first path of the file, or "" if this path is the first or the only
	// one.
	HardLinkOf string

	Xattrs map[string]string
	Sum    [sha256.Size]byte // of the content, if it was read

	content int64 // number of the content in its side
}

// Change is a path that differs.
type Change struct {
	A, B       *Entry // nil for the side that lacks the path
	Attributes []Attribute

	// LinkA and LinkB are the first of the file's paths that both sides have, or "" if this
	// path is that one. If these differ, the attribute [Links] does.
	LinkA, LinkB string
}

// Path returns the path.
func (c *Change) Path() string { return cmp.Or(c.A, c.B).Path }

// Counts are numbers of paths.
type Counts struct{ Changed, Added, Removed, Same int }

// Entries compares two lists of entries, both sorted by path. It leaves out the attributes in
// ignore. The changes are sorted by path.
func Entries(a, b []Entry, ignore map[string]bool) (changes []Change, n Counts) {
	groupA, groupB := map[string]string{}, map[string]string{}
	for x, y := range pairs(a, b) {
		c := Change{A: x, B: y}
		switch {
		case y == nil:
			n.Removed++
		case x == nil:
			n.Added++
		default:
			c.Attributes = differences(x, y, ignore)
			c.LinkA, c.LinkB = linkOf(groupA, x), linkOf(groupB, y)
			if c.LinkA != c.LinkB && !ignore[Links] {
				c.Attributes = append(c.Attributes, Attribute{Name: Links})
			}
			if c.Attributes == nil {
				n.Same++
				continue
			}
			n.Changed++
		}
		changes = append(changes, c)
	}
	return changes, n
}

// linkOf returns the first path of e's file, of those that it was called with. So a path that
// only one side has does not change the other names of its file.
func linkOf(group map[string]string, e *Entry) string {
	key := cmp.Or(e.HardLinkOf, e.Path)
	first, ok := group[key]
	if !ok {
		group[key] = e.Path
	}
	return first
}

// pairs yields the entries of both lists by path, nil where a list lacks the path.
func pairs(a, b []Entry) iter.Seq2[*Entry, *Entry] {
	return func(yield func(x, y *Entry) bool) {
		for len(a) > 0 || len(b) > 0 {
			var x, y *Entry
			if len(b) == 0 || len(a) > 0 && a[0].Path <= b[0].Path {
				x = &a[0]
			}
			if x == nil || len(b) > 0 && b[0].Path == x.Path {
				y, b = &b[0], b[1:]
			}
			if x != nil {
				a = a[1:]
			}
			if !yield(x, y) {
				return
			}
		}
	}
}

// arrange sorts entries by path and sets HardLinkOf. Those with the same content number above
// zero in linked are names of one file.
func arrange(entries []Entry, linked map[string]int64) {
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	firsts := map[int64]string{}
	for i := range entries {
		e := &entries[i]
		file, ok := linked[e.Path]
		if !ok {
			continue
		}
		if e.HardLinkOf, ok = firsts[file]; !ok {
			firsts[file] = e.Path
		}
	}
}
