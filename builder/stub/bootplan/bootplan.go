// Package bootplan is the note that the builder leaves for the stub: the file
// /.mkinitfs/plan of an image, which the stub reads without a YAML parser.
//
// It is text, one "key value..." a line. The first line is "mkinitfs 1", the
// version of the format; a stub refuses a version that it does not know. Keys
// with one value may stand in any order; a repeated key (arg, env, mount, boot,
// blocks, member) adds to a list. Unknown keys are refused: whatever a builder
// says changes what is booted. Spaces, control bytes and backslashes inside a
// value are written as three octal digits (\040), as in /proc/mounts; an empty
// value is \000, which no path or argument can hold.
//
// The stub is linked with this package, so it stays clear of fmt.
package bootplan

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Path is where the plan lies in an image, MembersPrefix how its members begin;
// both without a leading slash, as cpio names them.
const (
	Dir           = ".mkinitfs"
	Path          = Dir + "/plan"
	MembersPrefix = Dir + "/root."
	Init          = Dir + "/init" // root type bind: the root's own /init
	Kmsg          = Dir + "/kmsg" // character device 1:11
)

// MemberName is the name of the i-th member.
func MemberName(i int) string {
	s := strconv.Itoa(i)
	for len(s) < 4 {
		s = "0" + s
	}
	return MembersPrefix + s
}

// Plan is what the stub does.
type Plan struct {
	Root    string // "tmpfs" or "bind"
	Arch    string // as in the manifest
	Payload string // codec of the members
	Extra   string // "merge", "drop", "error"
	Size    string // tmpfs size=: bytes or N%; "" is auto
	Inodes  int64  // tmpfs nr_inodes=; 0 is auto
	Mode    uint32 // of /
	MTime   int64  // of /
	Exec    string
	Args    []string
	Env     []string
	Mounts  []Mount
	OnError string // "panic", "reboot", "poweroff", "shell"
	Cmdline string // "use", "ignore"
	Boot    []string
	Entries int64           // of the root
	Window  int64           // bytes a decoder holds for one member
	Blocks  map[int64]int64 // page size -> pages that the root's files fill
	Members []Member
}

// Mount is one of init.mounts.
type Mount struct{ Type, Source, Target, Options string }

// Member is one archive of the payload.
type Member struct {
	Packed   int64 // bytes in the image
	Unpacked int64 // bytes of the cpio archive inside
	SHA256   string
	CRC32    string // hexadecimal, of the packed bytes; "" if the codec has a check of its own
}

const version = "1"

// PageSizes are the page sizes that [Plan.Blocks] is counted for.
var PageSizes = [...]int64{4 << 10, 16 << 10, 64 << 10}

// Marshal returns the plan as text.
func (p *Plan) Marshal() []byte {
	var b []byte
	line := func(words ...string) {
		for i, w := range words {
			if i > 0 {
				b = append(b, ' ')
			}
			b = appendEscaped(b, w)
		}
		b = append(b, '\n')
	}
	line("mkinitfs", version)
	for _, f := range p.fields() {
		if v := f.get(); v != "" {
			line(f.key, v)
		}
	}
	for _, size := range PageSizes {
		line("blocks", itoa(size), itoa(p.Blocks[size]))
	}
	for _, l := range p.lists() {
		for _, v := range *l.to {
			line(l.key, v)
		}
	}
	for _, m := range p.Mounts {
		line("mount", m.Type, m.Source, m.Target, m.Options)
	}
	for _, m := range p.Members {
		words := []string{"member", itoa(m.Packed), itoa(m.Unpacked), m.SHA256}
		if m.CRC32 != "" {
			words = append(words, m.CRC32)
		}
		line(words...)
	}
	return b
}

// Parse reads a plan.
func Parse(data []byte) (*Plan, error) {
	text, ok := strings.CutSuffix(string(data), "\n")
	if !ok {
		return nil, errors.New("cut short")
	}
	p := &Plan{Blocks: map[int64]int64{}}
	for i, l := range strings.Split(text, "\n") {
		words := strings.Split(l, " ")
		for j, w := range words {
			words[j], ok = unescape(w)
			if !ok {
				return nil, lineError(i, "bad escape")
			}
		}
		key, args := words[0], words[1:]
		if i == 0 {
			if key != "mkinitfs" || len(args) != 1 {
				return nil, lineError(i, "not a boot plan")
			}
			if args[0] != version {
				return nil, lineError(i, "format "+args[0]+", this stub reads format "+version)
			}
			continue
		}
		if err := p.set(key, args); err != "" {
			return nil, lineError(i, key+": "+err)
		}
	}
	return p, nil
}

func lineError(i int, msg string) error {
	return errors.New("line " + strconv.Itoa(i+1) + ": " + msg)
}

// set takes one line and returns what is wrong with it, if anything.
func (p *Plan) set(key string, args []string) string {
	for _, l := range p.lists() {
		if l.key == key && len(args) == 1 {
			*l.to = append(*l.to, args[0])
			return ""
		}
	}
	switch {
	case key == "mount" && len(args) == 4:
		p.Mounts = append(p.Mounts, Mount{args[0], args[1], args[2], args[3]})
		return ""
	case key == "blocks" && len(args) == 2:
		size, ok1 := atoi(args[0])
		n, ok2 := atoi(args[1])
		if !ok1 || !ok2 || !slices.Contains(PageSizes[:], size) {
			return "bad number"
		}
		p.Blocks[size] = n
		return ""
	case key == "member" && (len(args) == 3 || len(args) == 4):
		packed, ok1 := atoi(args[0])
		unpacked, ok2 := atoi(args[1])
		if !ok1 || !ok2 {
			return "bad number"
		}
		m := Member{Packed: packed, Unpacked: unpacked, SHA256: args[2]}
		if len(args) == 4 {
			m.CRC32 = args[3]
		}
		p.Members = append(p.Members, m)
		return ""
	}
	for _, f := range p.fields() {
		if f.key == key && len(args) == 1 {
			if !f.set(args[0]) {
				return "bad number"
			}
			return ""
		}
	}
	return "unknown key or wrong number of values"
}

type list struct {
	key string
	to  *[]string
}

func (p *Plan) lists() []list {
	return []list{{"arg", &p.Args}, {"env", &p.Env}, {"boot", &p.Boot}}
}

type field struct {
	key string
	get func() string
	set func(string) bool
}

// fields are the keys with one value.
func (p *Plan) fields() []field {
	text := func(key string, to *string) field {
		return field{key, func() string { return *to }, func(v string) bool { *to = v; return true }}
	}
	number := func(key string, to *int64) field {
		return field{key, func() string { return itoa(*to) }, func(v string) (ok bool) { *to, ok = atoi(v); return ok }}
	}
	return []field{
		text("root", &p.Root),
		text("arch", &p.Arch),
		text("payload", &p.Payload),
		text("extra", &p.Extra),
		text("size", &p.Size),
		number("inodes", &p.Inodes),
		{"mode", func() string { return "0" + strconv.FormatUint(uint64(p.Mode), 8) }, func(v string) bool {
			mode, err := strconv.ParseUint(v, 8, 12)
			p.Mode = uint32(mode)
			return err == nil
		}},
		number("mtime", &p.MTime),
		text("exec", &p.Exec),
		text("on_error", &p.OnError),
		text("cmdline", &p.Cmdline),
		number("entries", &p.Entries),
		number("window", &p.Window),
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func atoi(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0
}

func appendEscaped(b []byte, s string) []byte {
	if s == "" {
		return append(b, `\000`...)
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c == '\\' || c == 0x7f {
			b = append(b, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		} else {
			b = append(b, c)
		}
	}
	return b
}

func unescape(s string) (string, bool) {
	if s == `\000` {
		return "", true
	}
	if strings.IndexByte(s, '\\') < 0 {
		return s, true
	}
	var b []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b = append(b, s[i])
			continue
		}
		if i+3 >= len(s) {
			return "", false
		}
		c, err := strconv.ParseUint(s[i+1:i+4], 8, 8)
		if err != nil {
			return "", false
		}
		b = append(b, byte(c))
		i += 3
	}
	return string(b), true
}
