package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The tests write entries and plans as text. An entry is asked for by
//
//	TYPE PATH [TARGET | MAJOR:MINOR] [0MODE] [UID:GID] [key=value | word ...]
//
// where a key with a dot in it is an extended attribute,
//
// and comes from the line it stands in, at "m:LINE". Other lines are options:
// "remove PATTERN", "permit PATTERN key=value ...", "root 0MODE". The line "nodes" says
// that the plan is shown with the entries that come from no line.
func parse(t testing.TB, text string) ([]*Entry, Options) {
	t.Helper()
	var entries []*Entry
	o := Options{RootMode: 0o755}
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		origin := fmt.Sprintf("m:%d", i+1)
		switch words[0] {
		case "remove":
			o.Remove = append(o.Remove, Glob{origin, words[1], len(words) > 2})
		case "permit":
			o.Permissions = append(o.Permissions, parsePermission(t, origin, words[1:]))
		case "nodes":
		case "root":
			o.RootMode = number(t, words[1], 8)
		default:
			entries = append(entries, parseEntry(t, origin, words))
		}
	}
	return entries, o
}

var types = map[string]uint32{
	"file": TypeFile | 0o644, "dir": TypeDir | 0o755, "link": TypeLink | 0o777, "char": TypeChar | 0o600,
	"block": TypeBlock | 0o600, "fifo": TypeFIFO | 0o644, "socket": TypeSocket | 0o755, "hard": 0,
}

func parseEntry(t testing.TB, origin string, words []string) *Entry {
	t.Helper()
	mode, ok := types[words[0]]
	if !ok {
		t.Fatalf("unknown type %q", words[0])
	}
	e := &Entry{Path: words[1], Mode: mode, Origin: origin, HardLink: words[0] == "hard"}
	words = words[2:]
	switch {
	case e.HardLink || e.IsLink() && len(words) > 0:
		e.Target, words = words[0], words[1:]
	case mode&TypeMask == TypeChar || mode&TypeMask == TypeBlock:
		e.Major, e.Minor = pair(t, words[0])
		words = words[1:]
	}
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		switch {
		case strings.HasPrefix(word, "0"):
			e.Mode = mode&TypeMask | number(t, word, 8)
		case key == "owner":
			e.UID, e.GID = pair(t, value)
		case key == "mtime":
			e.MTime, _ = strconv.ParseInt(value, 10, 64)
		case key == "size":
			e.Size, _ = strconv.ParseInt(value, 10, 64)
		case key == "data":
			e.Data.Path, e.Size = value, int64(len(value))
		case key == "src":
			e.Source = int32(number(t, value, 10))
		case strings.Contains(key, "."):
			e.Xattrs = e.Xattrs.With(Xattrs{key: value})
		case word == "brought":
			e.Brought = true
		case word == "hides":
			e.Whiteout = HidesPath
		case word == "opaque":
			e.Whiteout = HidesBelow
		case word == "implied":
			e.Implied = true
		case word == "givesway":
			e.GivesWay = true
		case word == "replace":
			e.Replace = true
		default:
			t.Fatalf("unknown word %q", word)
		}
	}
	return e
}

func parsePermission(t testing.TB, origin string, words []string) Permission {
	t.Helper()
	rule := Permission{Glob: Glob{Origin: origin, Pattern: words[0]}}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		if strings.Contains(key, ".") {
			rule.Xattrs = rule.Xattrs.With(Xattrs{key: value})
			continue
		}
		switch key {
		case "mode":
			rule.Mode = new(number(t, value, 8))
		case "dirmode":
			rule.DirMode = new(number(t, value, 8))
		case "uid":
			rule.UID = new(number(t, value, 10))
		case "gid":
			rule.GID = new(number(t, value, 10))
		case "mtime":
			rule.MTime = new(int64(number(t, value, 10)))
		case "optional":
			rule.Optional = true
		default:
			t.Fatalf("unknown word %q", word)
		}
	}
	return rule
}

func number(t testing.TB, text string, base int) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(text, base, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

func pair(t testing.TB, text string) (uint32, uint32) {
	t.Helper()
	a, b, _ := strings.Cut(text, ":")
	return number(t, a, 10), number(t, b, 10)
}

// format writes a plan, one entry a line, with what is not usual about it:
//
//	INO PATH TYPE MODE [details]
//
// Without the default nodes what is left is numbered anew.
func format(entries []*Entry, nodes bool) string {
	var b strings.Builder
	numbers := map[uint32]int{}
	for _, e := range entries {
		if !nodes && e.Origin == "" && e.Path != "/" {
			continue
		}
		if numbers[e.Ino] == 0 {
			numbers[e.Ino] = len(numbers) + 1
		}
		var name string
		for word, mode := range types {
			if word != "hard" && mode&TypeMask == e.Mode&TypeMask {
				name = word
			}
		}
		fmt.Fprintf(&b, "%d %s %s %04o", numbers[e.Ino], e.Path, name, e.Mode&^TypeMask)
		if e.UID != 0 || e.GID != 0 {
			fmt.Fprintf(&b, " owner=%d:%d", e.UID, e.GID)
		}
		if e.MTime != 0 {
			fmt.Fprintf(&b, " mtime=%d", e.MTime)
		}
		if e.Major != 0 || e.Minor != 0 {
			fmt.Fprintf(&b, " %d:%d", e.Major, e.Minor)
		}
		if e.Size != 0 {
			fmt.Fprintf(&b, " size=%d", e.Size)
		}
		if e.Data.Path != "" {
			fmt.Fprintf(&b, " data=%s", e.Data.Path)
		}
		if e.Target != "" {
			fmt.Fprintf(&b, " -> %s", e.Target)
		}
		for _, name := range slices.Sorted(maps.Keys(e.Xattrs)) {
			fmt.Fprintf(&b, " %s=%s", name, e.Xattrs[name])
		}
		if usual := map[bool]uint32{true: 2, false: 1}[e.IsDir()]; e.Nlink != usual {
			fmt.Fprintf(&b, " nlink=%d", e.Nlink)
		}
		if e.First != nil {
			fmt.Fprintf(&b, " first=%s", e.First.Path)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
