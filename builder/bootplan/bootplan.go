// Package bootplan is the note that the builder leaves for the stub: the file
// /.mkinitfs/plan of an image, which the stub reads without a YAML parser.
//
// It is text, one "key value..." a line. The first line is "mkinitfs 1", the
// version of the format; a stub refuses a version that it does not know. Keys
// with one value may stand in any order; a repeated key (arg, env, mount, boot,
// once, rdinit, blocks, last, member) adds to a list. Unknown keys are refused: whatever a builder
// says changes what is booted, so a builder that says more writes a new version.
// Spaces, control bytes and backslashes inside a value are written as three octal
// digits (\040), as in /proc/mounts; an empty value is \000, which no path or
// argument can hold.
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

// EndName is the name of the directory that ends the i-th segment of a root of type bind.
// The kernel unpacks an image in order and makes no parents, and each of these directories
// is in the one before. So if this one is there, all segments up to it were read to their ends.
func EndName(i int) string {
	s := Dir
	for range i + 1 {
		s += "/end"
	}
	return s
}

// RdinitName is where what the root itself has at the i-th place of [Plan.Rdinit] waits.
func RdinitName(i int) string { return Dir + "/rdinit." + strconv.Itoa(i) }

// Plan is what the stub does.
type Plan struct {
	Root    string // "tmpfs" or "bind"
	Arch    string // as in the manifest
	Payload string // codec of the members
	Extra   string // "merge", "drop", "error"
	Xattrs  string // "auto", "required"; "" if there is no table of them
	SELinux string // path of a policy to load before the table is applied, or ""
	Size    string // tmpfs size=: bytes or N%; "" is auto
	Inodes  int64  // tmpfs nr_inodes=; 0 is auto
	Mode    uint32 // of /
	MTime   int64  // of /
	Exec    string
	Args    []string
	Env     []string
	Mounts  []Mount
	OnError string   // "panic", "reboot", "poweroff", "shell"
	Cmdline string   // "use", "ignore"
	OnExit  string   // what follows the program's end: "restart", "reboot", "poweroff", "panic"; "" is no supervision
	Delay   int64    // milliseconds before the first restart
	Boot    []string // root type tmpfs: paths on rootfs that are ours, beside those of every image
	Once    []Once   // of these, files that no member has
	Rdinit  []Rdinit
	Entries int64                 // of the root
	Window  int64                 // bytes a decoder holds for one member
	Blocks  [len(PageSizes)]int64 // pages of each of PageSizes that the root's files fill
	Last    []string              // root type bind: path of the last entry of each segment but for its EndName
	Members []Member
}

// Mount is one of init.mounts.
type Mount struct{ Type, Source, Target, Options string }

// Once is a name of a file that the kernel unpacks to rootfs, where drivers may ask for it.
// The members have none of its names. The image ends with [EndName](0) in this case.
type Once struct {
	Path  string
	Size  int64
	MTime int64 // which not every kernel sets
}

// Rdinit is something on rootfs that is there only for rdinit= on the kernel's command
// line: a link to the stub, or a directory for one. The stub replaces the i-th by
// [RdinitName](i), where that is there, and removes it where not.
type Rdinit struct {
	Name  string // as rdinit= has it; "" for a directory
	Place string // where Name leads through the root's links
}

// Member is one archive of the payload.
type Member struct {
	Packed   int64 // bytes in the image
	Unpacked int64 // bytes of the cpio archive inside
	SHA256   string
	CRC32    string // hexadecimal, of the packed bytes; "" if the codec has a check of its own
}

const version = "1"

// limit is the largest number that is believed: sums and products with the page
// size stay far from overflowing.
const limit = 1 << 40

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
	list := func(key string, values []string) {
		for _, v := range values {
			line(key, v)
		}
	}
	line("mkinitfs", version)
	line("root", p.Root)
	line("arch", p.Arch)
	line("payload", p.Payload)
	line("extra", p.Extra)
	line("xattrs", p.Xattrs)
	line("selinux", p.SELinux)
	line("size", p.Size)
	line("inodes", itoa(p.Inodes))
	line("mode", "0"+strconv.FormatInt(int64(p.Mode), 8))
	line("mtime", itoa(p.MTime))
	line("exec", p.Exec)
	list("arg", p.Args)
	list("env", p.Env)
	for _, m := range p.Mounts {
		line("mount", m.Type, m.Source, m.Target, m.Options)
	}
	line("on_error", p.OnError)
	line("cmdline", p.Cmdline)
	if p.OnExit != "" {
		line("supervise", p.OnExit, itoa(p.Delay))
	}
	list("boot", p.Boot)
	for _, o := range p.Once {
		line("once", o.Path, itoa(o.Size), itoa(o.MTime))
	}
	for _, r := range p.Rdinit {
		line("rdinit", r.Name, r.Place)
	}
	line("entries", itoa(p.Entries))
	for i, n := range p.Blocks {
		line("blocks", itoa(PageSizes[i]), itoa(n))
	}
	line("window", itoa(p.Window))
	list("last", p.Last)
	for _, m := range p.Members {
		line("member", itoa(m.Packed), itoa(m.Unpacked), m.SHA256, m.CRC32)
	}
	return b
}

// Parse reads a plan.
func Parse(data []byte) (*Plan, error) {
	text, whole := strings.CutSuffix(string(data), "\n")
	if !whole {
		return nil, errors.New("cut short")
	}
	p := new(Plan)
	for i, l := range strings.Split(text, "\n") {
		words := strings.Split(l, " ")
		msg := ""
		for j, w := range words {
			var ok bool
			if words[j], ok = Unescape(w); !ok {
				msg = "bad escape"
			}
		}
		switch key, args := words[0], words[1:]; {
		case msg != "":
		case i > 0:
			msg = p.set(key, args)
		case key != "mkinitfs" || len(args) != 1:
			msg = "not a boot plan"
		case args[0] != version:
			msg = "format " + args[0] + ", this stub reads format " + version
		}
		if msg != "" {
			return nil, errors.New("line " + itoa(int64(i+1)) + ": " + msg)
		}
	}
	return p, nil
}

// set takes one line and returns what is wrong with it, if anything.
func (p *Plan) set(key string, args []string) string {
	want := 1
	switch key {
	case "mount", "member":
		want = 4
	case "blocks", "rdinit", "supervise":
		want = 2
	case "once":
		want = 3
	}
	if len(args) != want {
		return key + ": wrong number of values"
	}
	v := args[0]
	n, numeric := ParseUint(v, 10)
	switch key {
	case "root":
		p.Root = v
	case "arch":
		p.Arch = v
	case "payload":
		p.Payload = v
	case "extra":
		p.Extra = v
	case "xattrs":
		p.Xattrs = v
	case "selinux":
		p.SELinux = v
	case "size":
		p.Size = v
	case "exec":
		p.Exec = v
	case "arg":
		p.Args = append(p.Args, v)
	case "env":
		p.Env = append(p.Env, v)
	case "mount":
		p.Mounts = append(p.Mounts, Mount{v, args[1], args[2], args[3]})
	case "on_error":
		p.OnError = v
	case "cmdline":
		p.Cmdline = v
	case "supervise":
		p.OnExit = v
		if p.Delay, numeric = ParseUint(args[1], 10); !numeric || p.Delay > limit {
			return key + ": bad number"
		}
	case "boot":
		p.Boot = append(p.Boot, v)
	case "once":
		o := Once{Path: v}
		var mtime bool
		o.Size, numeric = ParseUint(args[1], 10)
		o.MTime, mtime = ParseUint(args[2], 10)
		if !numeric || !mtime || o.Size > limit || o.MTime > limit {
			return key + ": bad number"
		}
		p.Once = append(p.Once, o)
	case "last":
		p.Last = append(p.Last, v)
	case "rdinit":
		p.Rdinit = append(p.Rdinit, Rdinit{v, args[1]})
	default:
		if key == "mode" {
			n, numeric = ParseUint(v, 8)
		}
		if !numeric || n > limit {
			return key + ": bad number"
		}
		return p.setNumber(key, n, args)
	}
	return ""
}

func (p *Plan) setNumber(key string, n int64, args []string) string {
	switch key {
	case "inodes":
		p.Inodes = n
	case "mode":
		p.Mode = uint32(n & 0o7777)
	case "mtime":
		p.MTime = n
	case "entries":
		p.Entries = n
	case "window":
		p.Window = n
	case "blocks":
		pages, ok := ParseUint(args[1], 10)
		i := slices.Index(PageSizes[:], n)
		if i < 0 || !ok || pages > limit {
			return key + ": bad number"
		}
		p.Blocks[i] = pages
	case "member":
		unpacked, ok := ParseUint(args[1], 10)
		if !ok || unpacked > limit {
			return key + ": bad number"
		}
		p.Members = append(p.Members, Member{Packed: n, Unpacked: unpacked, SHA256: args[2], CRC32: args[3]})
	default:
		return key + ": unknown key"
	}
	return ""
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// ParseUint reads an unsigned number of up to 62 bits. (The errors of strconv cost
// the stub 10 KB.)
func ParseUint(s string, base int64) (n int64, ok bool) {
	for i := 0; i < len(s); i++ {
		digit := int64(s[i]) - '0'
		if digit < 0 || digit >= base || n >= 1<<62/base {
			return 0, false
		}
		n = n*base + digit
	}
	return n, s != ""
}

func appendEscaped(b []byte, s string) []byte {
	if s == "" {
		return append(b, `\000`...)
	}
	return escape(b, s)
}

func escape(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c == '\\' || c == 0x7f {
			b = append(b, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		} else {
			b = append(b, c)
		}
	}
	return b
}

// Unescape undoes the octal escapes of a value, which are those of /proc/mounts.
func Unescape(s string) (string, bool) {
	if s == `\000` {
		return "", true
	}
	return unescape(s)
}

func unescape(s string) (string, bool) {
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
		c, ok := ParseUint(s[i+1:i+4], 8)
		if !ok || c > 0xff {
			return "", false
		}
		b = append(b, byte(c))
		i += 3
	}
	return string(b), true
}
