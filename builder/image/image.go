// Package image reads initramfs images: any run of archives that a kernel would unpack,
// ours or not.
//
// An image is a run of segments with runs of zero bytes between them. A segment is a newc
// archive, or a compressed stream of such archives. [Walk] follows Linux 6.1
// (init/initramfs.c): it goes on where the kernel goes on, for example behind an archive
// without a trailer. Where the kernel stops with an error, Walk returns one. A [Finding] is
// something that the kernel skips, drops, overwrites or cuts without a word.
//
// In an image of ours a segment may hold the root as members, the files
// /.mkinitfs/root.0000 and so on, which are archives themselves. Walk reads them as
// strictly as the boot stub does, and compares the image with its boot plan. [List] shows
// the root that stands in the end, and [Extraction] unpacks it.
//
//	enveloped.go                         the file of a boot loader around an image
//	walk.go, detect.go                   segments
//	archive.go, unpacker.go, entry.go    archives and their entries
//	kernelroot.go, names.go, settle.go   what an entry meets in the root before it
//	whole.go                             the comparison with the boot plan
//	skipreader.go, ahead.go              reading without copying, on all cores
//	list.go, files.go, spent.go, sums.go what commands show
//	inspect.go, stub.go                  what an image is made of
//	root.go, budget.go                   what a build takes over
//	parts.go, verify.go                  what is compared, with another image or with sums
//	extract.go, place.go, links.go       what an extraction makes, and where
//	policy.go, user.go, selection.go     what of it the user who extracts can have, and wants
//	maker.go, stage.go, attributes.go    the system calls for it
//	resolver.go, pins.go, status.go      names in directories that others can change
package image

import (
	"cmp"
	"path"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/envelope"
)

// Info describes an image, as far as it has been read.
type Info struct {
	Segments []Segment
	Size     int64  // bytes of the image, padding included
	Plan     []byte // the text of /.mkinitfs/plan, nil if there is none

	// BootConfig is the number of bytes behind the last segment that belong to a boot
	// configuration.
	BootConfig int64

	// Envelope is the boot loader's file around the image, or nil. Offsets and sizes are those
	// of the image.
	Envelope *envelope.Envelope

	// Findings name the parts of the image that do not arrive as they were written, one for
	// each rule.
	Findings Findings

	// Xattrs are the extended attributes that the stub sets, nil if there are none.
	Xattrs *Xattrs
}

// Segment is one stream of an image, or one raw archive.
type Segment struct {
	Index    int    // in Info.Segments
	Offset   int64  // in the image
	Size     int64  // bytes in the image, without the padding that follows
	Codec    string // a name that package compress knows
	Entries  int    // without those of members
	Unpacked int64  // bytes of the archives it holds
	Trailer  bool   // the last of these ends with a trailer, so that no hard link leads behind it
}

// Entry is one entry of an archive.
type Entry struct {
	cpio.Header
	Segment int               // Index of the segment
	Member  string            // "root.0003" for an entry of that member, else ""
	Link    string            // target of a symbolic link
	Xattrs  map[string]string // extended attributes; only List knows them

	// HardLinkOf is the first name of the file in its archive, as stored, or "" if this name
	// is the first. Writers store the content with either the first name or the last and give
	// the others a size of 0.
	HardLinkOf string

	begin, end int64 // header, body and padding, in the unpacked segment or member
	number     int64 // in the order of the walk, from 1 on
	content    int64 // number of the entry that the content comes with; known once all are settled
	file       int64 // the number of the first name of the same file
}

// Path returns the path at which the entry lands: absolute and clean.
func (e *Entry) Path() string {
	name, _ := e.relative()
	return "/" + name
}

// File returns the path of the file's first name, which all of its names share.
func (e *Entry) File() string { return path.Clean("/" + cmp.Or(e.HardLinkOf, e.Name)) }

// relative returns the path without its leading slash. It reports whether that is a part of
// the stored name, as for nearly all names.
func (e *Entry) relative() (name string, plain bool) {
	name = strings.TrimPrefix(e.Name, "./") // as find has them
	if name == "" || name[0] == '.' || name[0] == '/' || name[len(name)-1] == '/' ||
		strings.Contains(name, "/.") || strings.Contains(name, "//") {
		return path.Clean("/" + e.Name)[1:], false
	}
	return name, true
}
