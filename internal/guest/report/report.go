// Package report is the report of the guest program about its root, as lines of text for a
// serial port. Package guest writes it. Tests read it back with [Parse] and compare it with
// the contents of the image.
//
// A report stands between two lines with a nonce, so that no other log looks like one. The
// second line has the number of lines and a checksum, because other writers on the port may
// cut into a line. Each line between begins with its kind. Words with other than plain
// characters are quoted as in Go.
package report

import (
	"cmp"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Report is what a guest saw.
type Report struct {
	Nonce   string
	Entries []Entry // of the file system of /, sorted by path; what is mounted on it is not looked at
	Mounts  []Mount // in the kernel's order
	Files   []File  // the open ones of 0, 1 and 2
	Args    []string
	Env     []string
	Uptime  time.Duration // when the guest began
	Total   int64         // bytes of RAM
	Free    int64         // bytes of RAM, when the guest began
	Raw     []Raw         // of programs with file capabilities, and the guest itself
	Pivot   string        // what pivot_root(2) in a new mount namespace said; "" is success

	Beneath      []string // what is on the mount beneath the root
	BeneathWrite string   // what an attempt to get there, and to write there, said; "" is success
}

// Entry is one name.
type Entry struct {
	Path   string // absolute
	Mode   uint32 // file type and permission bits, as in stat(2)
	UID    uint32
	GID    uint32
	Nlink  uint64
	Ino    uint64
	MTime  int64 // seconds since the epoch
	Nanos  int64 // of MTime
	Size   int64 // of a regular file, else 0
	Blocks int64 // of 512 bytes, of a regular file: fewer than Size asks for is a file cut short
	Major  uint32
	Minor  uint32
	Target string            // of a symbolic link
	SHA256 string            // of a regular file, in hexadecimal
	Xattrs map[string]string // extended attributes, or nil
}

// Mount is a line of /proc/self/mountinfo.
type Mount struct {
	ID      int
	Parent  int
	Root    string
	Point   string
	Options string
	Type    string
	Source  string
	Super   string // options of the file system
}

// File is an open file.
type File struct {
	FD    int
	Mount int // its mount's ID
	Path  string
}

// Raw is what a program said, executed by nobody, that opens a raw socket.
type Raw struct {
	Path   string
	Result string // "" is success
}

const (
	begin = "mkinitfs-guest-begin"
	end   = "mkinitfs-guest-end"
)

// Format returns r as text. Problems kept the guest from a complete report: Parse returns them
// as an error.
func (r *Report) Format(problems []string) []byte {
	var lines strings.Builder
	line := func(kind string, words ...any) {
		lines.WriteString(kind)
		for _, word := range words {
			fmt.Fprintf(&lines, " %v", word)
		}
		lines.WriteByte('\n')
	}
	for _, e := range r.Entries {
		mtime := strconv.FormatInt(e.MTime, 10)
		if e.Nanos != 0 {
			mtime += fmt.Sprintf(".%09d", e.Nanos)
		}
		line("entry", quote(e.Path), strconv.FormatUint(uint64(e.Mode), 8), e.UID, e.GID, e.Nlink, e.Ino, mtime,
			e.Size, e.Blocks, e.Major, e.Minor, quote(e.Target), quote(e.SHA256))
		for name, value := range e.Xattrs {
			line("xattr", quote(name), quote(value)) // of the entry above
		}
	}
	for _, m := range r.Mounts {
		line("mount", m.ID, m.Parent, quote(m.Root), quote(m.Point), quote(m.Options), quote(m.Type), quote(m.Source), quote(m.Super))
	}
	for _, f := range r.Files {
		line("file", f.FD, f.Mount, quote(f.Path))
	}
	for _, arg := range r.Args {
		line("arg", quote(arg))
	}
	for _, env := range r.Env {
		line("env", quote(env))
	}
	line("uptime", r.Uptime)
	line("memory", r.Total, r.Free)
	for _, raw := range r.Raw {
		line("raw", quote(raw.Path), quote(raw.Result))
	}
	line("pivot", quote(r.Pivot))
	for _, path := range r.Beneath {
		line("beneath", quote(path))
	}
	line("beneath-write", quote(r.BeneathWrite))
	for _, problem := range problems {
		line("problem", quote(problem))
	}

	text := lines.String()
	return fmt.Appendf(nil, "\n%s %s\n%s%s %s %d %08x\n", begin, r.Nonce, text,
		end, r.Nonce, strings.Count(text, "\n"), crc32.ChecksumIEEE([]byte(text)))
}

// quote returns s as one word.
func quote(s string) string {
	plain := func(r rune) bool { return r > ' ' && r < 0x7f && r != '"' && r != '\\' }
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return strconv.QuoteToASCII(s)
	}
	return s
}

func byPath(a, b Entry) int { return cmp.Compare(a.Path, b.Path) }

// Entry returns the entry of path, or nil.
func (r *Report) Entry(path string) *Entry {
	i, found := slices.BinarySearchFunc(r.Entries, Entry{Path: path}, byPath)
	if !found {
		return nil
	}
	return &r.Entries[i]
}
