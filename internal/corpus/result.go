package corpus

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mkinitfs/mkinitfs/internal/guest/report"
)

// Result is what a kernel made of an image.
type Result struct {
	Says  []string // the kernel's complaints, in its own words
	Lost  []string // "early" or "other", if the archive in front or behind did not arrive as it is
	Lines []string // of what stands in the root, sorted by path, without these archives
}

// Guest is the name in the root of the program that reports it.
const Guest = "guest"

var complaint = regexp.MustCompile(`(?m)^(?:\[[^]]*\] )?(Initramfs unpacking failed: .*|rootfs image is not initramfs.*|initramfs name without.*|bootconfig (?:size|checksum|data).*)$`)

// numbers in a complaint are places and sizes, which depend on where the guest is.
var numbers = regexp.MustCompile(`\d+`)

// Says returns the kernel's complaints in a log.
func Says(log []byte) []string {
	var said []string
	for _, found := range complaint.FindAllSubmatch(log, -1) {
		said = append(said, strconv.QuoteToASCII(numbers.ReplaceAllString(string(found[1]), "N")))
	}
	return said
}

// volatile reports whether a time is that of a boot, a test or a kernel build, and not one of
// our images.
func volatile(mtime int64) bool {
	return mtime > time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Unix() && mtime < 1<<31-1
}

// Lines returns a line for each entry, sorted by path: its type, mode, owner and time,
// then what it holds, or which name before it is the same file. The guest is left out,
// and what every kernel brings along and nothing has changed: the root, /dev,
// /dev/console and /root.
func Lines(entries []report.Entry) []string {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b report.Entry) int { return cmp.Compare(a.Path, b.Path) })
	first := map[uint64]string{}
	var lines []string
	for _, e := range entries {
		brought := volatile(e.MTime) && e.UID == 0 && e.GID == 0 && (e.Path == "/" && (e.Mode == 0o40755 || e.Mode == 0o41777) ||
			e.Path == "/dev" && e.Mode == 0o40755 || e.Path == "/dev/console" && e.Mode == 0o20600 || e.Path == "/root" && e.Mode == 0o40700)
		if brought || e.Path == "/"+Guest {
			continue
		}
		line := word(e.Path)
		if name := first[e.Ino]; name != "" && e.Nlink > 1 && e.Mode>>12 != 4 {
			lines = append(lines, line+" = "+name)
			continue
		}
		first[e.Ino] = line
		mtime := strconv.FormatInt(e.MTime, 10)
		if volatile(e.MTime) {
			mtime = "now"
		}
		line += fmt.Sprintf(" %s %04o %d:%d %s", types[e.Mode>>12], e.Mode&0o7777, e.UID, e.GID, mtime)
		switch e.Mode >> 12 {
		case 0o10:
			line += fmt.Sprintf(" %d %s", e.Size, e.SHA256)
		case 0o12:
			line += " -> " + word(e.Target)
		case 0o2, 0o6:
			line += fmt.Sprintf(" %d:%d", e.Major, e.Minor)
		}
		lines = append(lines, line)
	}
	return lines
}

var types = map[uint32]string{0o1: "fifo", 0o2: "char", 0o4: "dir", 0o6: "block", 0o10: "file", 0o12: "link", 0o14: "socket"}

// word returns a name as one word, a long one by its length and sum.
func word(name string) string {
	if len(name) > 300 {
		return fmt.Sprintf("(%d bytes, %x)", len(name), sha256.Sum256([]byte(name)))
	}
	quoted := strconv.QuoteToASCII(name)
	if name == "" || quoted[1:len(quoted)-1] != name || strings.Contains(name, " ") {
		return quoted
	}
	return name
}

// NewResult returns what became of an image, from the lines of the root and what the
// kernel said.
func NewResult(i Image, lines, says []string) Result {
	if i.Rough && says != nil {
		return Result{Says: []string{"something"}}
	}
	r := Result{Says: says, Lines: lines}
	r.without("early", i.Early, earlyEntries)
	r.without("other", i.Other, otherEntries)
	return r
}

// without takes the lines of an archive out, if they are all there.
func (r *Result) without(name string, has bool, entries []entry) {
	if !has {
		return
	}
	for _, line := range companion(entries) {
		if !slices.Contains(r.Lines, line) {
			r.Lost = append(r.Lost, name)
			return
		}
	}
	var rest []string // nil, as ParseWant has it, if there is nothing more
	for _, line := range r.Lines {
		if !slices.Contains(companion(entries), line) {
			rest = append(rest, line)
		}
	}
	r.Lines = rest
}

// companion returns the lines of an archive whose entries are directories and files.
func companion(entries []entry) []string {
	var lines []string
	for _, e := range entries {
		line := fmt.Sprintf("/%s %s %04o %d:%d %d", e.name, types[e.mode>>12], e.mode&0o7777, e.uid, e.gid, e.mtime)
		if e.mode>>12 == 0o10 {
			line += fmt.Sprintf(" %d %x", len(e.body), sha256.Sum256([]byte(e.body)))
		}
		lines = append(lines, line)
	}
	return lines
}

// All returns the lines of the whole root. They include those of the archives in front and
// behind, unless these are lost.
func (r Result) All(i Image) []string {
	lines := slices.Clone(r.Lines)
	if i.Early && !slices.Contains(r.Lost, "early") {
		lines = append(lines, companion(earlyEntries)...)
	}
	if i.Other && !slices.Contains(r.Lost, "other") {
		lines = append(lines, companion(otherEntries)...)
	}
	return lines
}

func (r Result) text() string {
	var b strings.Builder
	if len(r.Says) == 0 {
		b.WriteString("says nothing\n")
	}
	for _, s := range r.Says {
		fmt.Fprintf(&b, "says %s\n", s)
	}
	for _, l := range r.Lost {
		fmt.Fprintf(&b, "lost %s\n", l)
	}
	for _, l := range r.Lines {
		fmt.Fprintf(&b, "%s\n", l)
	}
	return b.String()
}
