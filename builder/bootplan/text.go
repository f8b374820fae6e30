package bootplan

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// limit is the largest number that a plan may hold. Sums and products with the page size stay
// far from overflowing.
const limit = 1 << 40

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

// Parse reads a plan. An error in a line begins with its number.
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

// set takes one line and returns its fault, or "".
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

// setNumber takes a line whose first value is the number n, and returns its fault, or "".
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
