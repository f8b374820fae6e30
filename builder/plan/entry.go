// Package plan turns the entries of the sources into the entries of the root: a list that is
// complete, sorted, parents first and numbered. All policy is settled here. Writing an archive
// from a plan needs no further decisions.
package plan

import (
	"io"
	"maps"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// File type bits of [Entry.Mode], as in stat(2) and in cpio.
const (
	TypeMask   = cpio.TypeMask
	TypeSocket = cpio.TypeSocket
	TypeLink   = cpio.TypeLink
	TypeFile   = cpio.TypeFile
	TypeBlock  = cpio.TypeBlock
	TypeDir    = cpio.TypeDir
	TypeChar   = cpio.TypeChar
	TypeFIFO   = cpio.TypeFIFO
)

// Entry is one name in the root.
//
// A hard link is a second entry with the Ino of the first. Only the first in order has
// Data; all names of a file have the same Mode, ids, MTime, Size and Xattrs.
type Entry struct {
	Path   string // absolute and clean; "/" is the root itself
	Target string // of a symbolic link, as stored; before Make also of a hard link: the path of its target
	MTime  int64  // seconds since the epoch
	Size   int64  // bytes of a regular file, else 0
	Mode   uint32 // file type and permission bits
	UID    uint32
	GID    uint32
	Major  uint32 // of a device node
	Minor  uint32

	Ino   uint32 // set by Make; equal for the names of one file
	Nlink uint32 // set by Make; names of this file within the plan (directories: 2)
	First *Entry // set by Make: the first name of the same file, nil if the entry is the first or only name

	Source   int32  // entries with one Source above 0 come from one archive: there the last of a name wins
	Origin   string // where it was asked for, to be shown: "root.yaml:12:3"
	HardLink bool   // before Make: another name for Target
	Implied  bool   // a directory that stands only because something is in it, or came with a tree: an explicit one wins
	GivesWay bool   // any other entry for its path wins; with Replace only one of the same Origin
	Replace  bool   // may take the place of an earlier entry from elsewhere
	Brought  bool   // came with a tree or an archive: nobody named it
	Private  bool   // not everyone on the host may read the content, so the image should not be for everyone either

	Whiteout Whiteout // before Make: no entry, but what hides others

	Names  *Names // owner by name, which UID and GID do not have yet; or nil
	Xattrs Xattrs // extended attributes, or nil
	Data   Data   // of a regular file with Size > 0
}

// Names are an owner whom the manifest names. The ids are those of the root's own passwd and
// group, which only the finished plan has. Entries share Names, so they are never changed.
type Names struct{ User, Group Name }

// Name is one of Names. The zero value is for an id that is known.
type Name struct {
	Origin string // where it was asked for
	Text   string
}

// Own gives e an owner. A nil id and an empty name leave what e has.
func (e *Entry) Own(uid, gid *uint32, names Names) {
	var was Names
	if e.Names != nil {
		was = *e.Names
	}
	is := was
	if uid != nil {
		e.UID, is.User = *uid, Name{}
	}
	if gid != nil {
		e.GID, is.Group = *gid, Name{}
	}
	if names.User.Text != "" {
		is.User = names.User
	}
	if names.Group.Text != "" {
		is.Group = names.Group
	}
	if is != was {
		e.Names = &is
	}
}

// Xattrs are extended attributes: values, which may hold any byte, by name. Entries share
// them, so that a million entries with the same label take one map. So a map is never changed,
// only replaced.
type Xattrs map[string]string

// With returns x with more; these win.
func (x Xattrs) With(more Xattrs) Xattrs {
	switch {
	case len(more) == 0:
		return x
	case len(x) == 0:
		return more
	}
	both := maps.Clone(x)
	maps.Copy(both, more)
	return both
}

// Data says where the bytes of a regular file are.
type Data struct {
	Path   string      // a file of the host, opened when it is written
	At     io.ReaderAt // or something open already, from Offset
	Offset int64
	Stamp  Stamp // of the file at Path, or At
}

// Stamp identifies the state of a host file at planning time. The zero value is for a file
// that nobody else can change.
type Stamp struct {
	Inode uint64
	MTime int64 // nanoseconds since the epoch
}

// IsDir reports whether e is a directory.
func (e *Entry) IsDir() bool { return e.Mode&TypeMask == TypeDir }

// IsFile reports whether e is a regular file.
func (e *Entry) IsFile() bool { return e.Mode&TypeMask == TypeFile }

// IsLink reports whether e is a symbolic link.
func (e *Entry) IsLink() bool { return e.Mode&TypeMask == TypeLink }

// File returns the first name of the file that e, an entry of a finished plan, is a name of.
func (e *Entry) File() *Entry {
	if e.First != nil {
		return e.First
	}
	return e
}

// Content returns where the content of the file e of a finished plan lies. e may be any of its
// names.
func (e *Entry) Content() Data { return e.File().Data }
