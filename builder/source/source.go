// Package source finds out what the items of a manifest put into the image. Each
// type of contents is a struct that says what was asked for, with a method that
// looks at the host and returns entries for a plan; a file here is one such
// type. Nothing is judged and little is read: contents are opened when the
// image is written.
//
// The image does not reveal who built it. So owners are 0:0 and times are
// SOURCE_DATE_EPOCH or 0 unless the item says otherwise. Archives keep theirs, which are
// part of the input.
package source

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// Item is what all types of contents have in common.
type Item struct {
	Origin  string // where it was asked for: "root.yaml:12:3"
	Dst     string // absolute and clean
	Replace bool   // take the place of what was added before

	// Fakeroot names the program that pretends other owners, modes and types than the disk
	// has, or is "". An item that depends on them is an error then.
	Fakeroot string

	NoStub bool // the image has no stub, so nothing in it can set extended attributes

	// Input is called with the other paths of the host that decide over the entries: files,
	// and directories for the names in them. It may be nil.
	Input func(path string)

	// Warn is called with a text, which begins with Origin, about what the image has
	// otherwise than the source, and about likely mistakes. It may be nil.
	Warn func(text string)
}

func (item *Item) warn(format string, args ...any) {
	if item.Warn != nil {
		item.Warn(item.Origin + ": " + fmt.Sprintf(format, args...))
	}
}

func (item *Item) input(path string) {
	if item.Input != nil {
		item.Input(path)
	}
}

// inputAbove stands in for a path that is not there, or a symbolic link that may
// lead nowhere, with the folder above it, or the next one up that there is.
func (item *Item) inputAbove(path string) {
	dir := filepath.Dir(path)
	for _, err := os.Stat(dir); err != nil && dir != filepath.Dir(dir); _, err = os.Stat(dir) {
		dir = filepath.Dir(dir)
	}
	item.input(dir)
}

// Attr is the metadata asked for; nil leaves a value at its default.
type Attr struct {
	Mode      *uint32 // permission bits
	UID, GID  *uint32
	KeepOwner bool // take ids that are not given from the host
	MTime     MTime

	KeepXattrs bool // take the extended attributes of the host's file
	DropXattrs bool // leave them out without a word
	Xattrs     plan.Xattrs
}

// MTime says where a modification time comes from.
type MTime struct {
	Rule MTimeRule
	Time int64 // for MTimeSet, in seconds since the epoch
}

// MTimeRule is one way to get a modification time.
type MTimeRule int

const (
	MTimeDefault MTimeRule = iota // SOURCE_DATE_EPOCH, else 0
	MTimeKeep                     // the host's
	MTimeClamp                    // the host's, SOURCE_DATE_EPOCH at most
	MTimeSet                      // a given one
)

// Clock is the time of a build: SOURCE_DATE_EPOCH
// (https://reproducible-builds.org/specs/source-date-epoch).
type Clock struct {
	Epoch int64 // in seconds since the epoch
	Set   bool
}

// clamp returns t, but no time after the build's.
func (c Clock) clamp(t int64) int64 {
	if c.Set {
		return min(t, c.Epoch)
	}
	return t
}

// entry starts an entry of item.
func (item *Item) entry(path string, mode uint32) *plan.Entry {
	return &plan.Entry{Path: path, Mode: mode, Origin: item.Origin, Replace: item.Replace}
}

// links returns entries for further names of the file at path.
func (item *Item) links(path string, names []string) []*plan.Entry {
	var entries []*plan.Entry
	for _, name := range names {
		e := item.entry(name, plan.TypeFile)
		e.HardLink, e.Target = true, path
		entries = append(entries, e)
	}
	return entries
}

// fail describes a problem with a file of the host.
func (item *Item) fail(path string, cause error, hint string) *plan.Error {
	if h := (*advice)(nil); hint == "" && errors.As(cause, &h) {
		hint = h.hint
	}
	// The error names the path already.
	if inner, ok := errors.AsType[*fs.PathError](cause); ok && inner.Path == path {
		cause = inner.Err
	}
	return &plan.Error{Origin: item.Origin, Path: path, Msg: cause.Error(), Hint: hint, Cause: cause}
}

// pretended is the problem of a source whose metadata somebody pretends to others.
func (item *Item) pretended(src string) *plan.Error {
	msg := fmt.Sprintf("under %s: mkinitfs is a static program and sees owners, modes and device nodes as they are on disk, not as pretended", item.Fakeroot)
	hint := `write a tarball there and pipe it in: tar -cf - . | mkinitfs build ..., with {type: tar, src: "-"} in the manifest` +
		"\n  --ignore-fakeroot takes what is on disk"
	return &plan.Error{Origin: item.Origin, Path: src, Msg: msg, Hint: hint}
}

// advice is an error that comes with a hint.
type advice struct {
	error
	hint string
}

func (a *advice) Unwrap() error { return a.error }

// advise is fmt.Errorf for an error with a hint.
func advise(hint, format string, args ...any) error {
	return &advice{fmt.Errorf(format, args...), hint}
}

// tally counts paths that share a peculiarity, so that one line tells of all.
type tally struct {
	n     int
	first string
}

func (t *tally) add(path string) {
	if t.n++; t.n == 1 {
		t.first = path
	}
}

func (t *tally) String() string {
	if t.n > 1 {
		return fmt.Sprintf("%s and %d more", t.first, t.n-1)
	}
	return t.first
}

// holdTimes moves times that newc cannot hold to the nearest that it can.
func (item *Item) holdTimes(entries []*plan.Entry) {
	var moved tally
	for _, e := range entries {
		if held := min(max(e.MTime, 0), math.MaxUint32); held != e.MTime {
			e.MTime = held
			moved.add(e.Path)
		}
	}
	if moved.n > 0 {
		item.warn("times outside 1970-01-01 .. 2106-02-07, all that newc holds, are clamped: %s", &moved)
	}
}

// set gives e the owner and the time that a asks for; info is what the host
// says, or nil.
func (a *Attr) set(e *plan.Entry, info *unix.Stat_t, clock Clock) {
	e.MTime, e.Xattrs = clock.Epoch, a.Xattrs
	if a.MTime.Rule == MTimeSet {
		e.MTime = a.MTime.Time
	}
	if info != nil {
		switch a.MTime.Rule {
		case MTimeKeep:
			e.MTime = int64(info.Mtim.Sec)
		case MTimeClamp:
			e.MTime = clock.clamp(int64(info.Mtim.Sec))
		}
		if a.KeepOwner {
			e.UID, e.GID = info.Uid, info.Gid
		}
	}
	if a.UID != nil {
		e.UID = *a.UID
	}
	if a.GID != nil {
		e.GID = *a.GID
	}
}

// lookAt fills in info for the file called name in an open folder, or unix.AT_FDCWD.
func lookAt(folder int, name string, follow bool, info *unix.Stat_t) error {
	flags := unix.AT_SYMLINK_NOFOLLOW
	if follow {
		flags = 0
	}
	return again(func() error { return unix.Fstatat(folder, name, info, flags) })
}

// again makes a call anew if a signal has interrupted it: on file systems whose server
// is a program that happens, and Go sends itself signals.
func again(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// stamp returns the state of a file, to be held against a later one.
func stamp(info *unix.Stat_t) plan.Stamp {
	return plan.Stamp{Inode: info.Ino, MTime: info.Mtim.Nano()}
}

// closed reports whether a file is not readable by all.
func closed(info *unix.Stat_t) bool { return info.Mode&0o004 == 0 }

// readable checks early what would otherwise stop the build when most of the
// image is written.
func readable(path string, info *unix.Stat_t) error {
	if !closed(info) {
		return nil
	}
	return unix.Access(path, unix.R_OK)
}
