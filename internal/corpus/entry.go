package corpus

import (
	"bytes"
	"fmt"
	"strings"
)

// entry is one entry of a newc archive, by the format's rules unless a field says
// otherwise. Its methods return a changed copy.
type entry struct {
	magic        string // "" is 070701
	name         string
	bare         bool   // no NUL ends the name
	pad          int    // NULs behind the name's own, counted in its size
	mode         uint32 // type and permission bits
	body         string
	inode        uint32
	nlink        uint32
	uid, gid     uint32
	mtime        uint32
	dev          [2]uint32 // of the file system that the inode is on
	rdev         [2]uint32 // of a device node
	sum          uint32
	claimedSize  *uint32 // instead of the body's
	claimedName  *uint32 // instead of the name's
	editedHeader func(header []byte) []byte
	raw          []byte // these bytes and nothing else
}

func dir(name string) entry { return entry{name: name, mode: 0o40755, nlink: 2} }

func file(name, body string) entry { return entry{name: name, mode: 0o100644, nlink: 1, body: body} }

func link(name, target string) entry {
	return entry{name: name, mode: 0o120777, nlink: 1, body: target}
}

// node is an entry of any type without a body.
func node(name string, mode uint32) entry { return entry{name: name, mode: mode, nlink: 1} }

func device(name string, mode, major, minor uint32) entry {
	return entry{name: name, mode: mode, nlink: 1, rdev: [2]uint32{major, minor}}
}

func trailer() entry { return entry{name: "TRAILER!!!", nlink: 1} }

// between is what stands between two entries.
func between(b string) entry { return entry{raw: []byte(b)} }

func (e entry) perm(mode uint32) entry { e.mode = mode; return e }

func (e entry) own(uid, gid uint32) entry { e.uid, e.gid = uid, gid; return e }

func (e entry) at(mtime uint32) entry { e.mtime = mtime; return e }

// ino makes e one of several names of a file.
func (e entry) ino(ino, nlink uint32) entry { e.inode, e.nlink = ino, nlink; return e }

func (e entry) on(major, minor uint32) entry { e.dev = [2]uint32{major, minor}; return e }

func (e entry) padded(n int) entry { e.pad = n; return e }

// with gives any entry a body.
func (e entry) with(body string) entry { e.body = body; return e }

// summed makes e one of the format with sums.
func (e entry) summed(extra uint32) entry {
	e.magic, e.sum = "070702", extra
	for _, b := range []byte(e.body) {
		e.sum += uint32(b)
	}
	return e
}

// bareName leaves the NUL off.
func (e entry) bareName() entry { e.bare = true; return e }

func (e entry) claimsSize(n uint32) entry { e.claimedSize = &n; return e }

func (e entry) claimsName(n uint32) entry { e.claimedName = &n; return e }

func (e entry) edited(edit func([]byte) []byte) entry { e.editedHeader = edit; return e }

// newc returns the bytes of entries one behind the other. It adds no trailer.
func newc(entries ...entry) []byte {
	var b bytes.Buffer
	pad := func() {
		for b.Len()%4 != 0 {
			b.WriteByte(0)
		}
	}
	for _, e := range entries {
		if e.raw != nil {
			b.Write(e.raw)
			continue
		}
		name := e.name
		if !e.bare {
			name += "\x00"
		}
		name += strings.Repeat("\x00", e.pad)
		size, nameSize, magic := uint32(len(e.body)), uint32(len(name)), "070701"
		if e.claimedSize != nil {
			size = *e.claimedSize
		}
		if e.claimedName != nil {
			nameSize = *e.claimedName
		}
		if e.magic != "" {
			magic = e.magic
		}
		header := []byte(magic)
		for _, v := range []uint32{
			e.inode, e.mode, e.uid, e.gid, e.nlink, e.mtime, size,
			e.dev[0], e.dev[1], e.rdev[0], e.rdev[1], nameSize, e.sum,
		} {
			header = fmt.Appendf(header, "%08X", v)
		}
		if e.editedHeader != nil {
			header = e.editedHeader(header)
		}
		b.Write(header)
		b.WriteString(name)
		pad()
		b.WriteString(e.body)
		pad()
	}
	return b.Bytes()
}

// archive is newc with a trailer.
func archive(entries ...entry) []byte {
	return newc(append(entries[:len(entries):len(entries)], trailer())...)
}
