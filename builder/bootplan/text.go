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

// These are the words for whether the boot goes on without a module.
const (
	required = "required"
	optional = "optional"
)

// Marshal returns the plan as text.
func (p *Plan) Marshal() []byte {
	var t text
	t.line("mkinitfs", version)
	t.line("root", p.Root)
	t.line("arch", p.Arch)
	t.line("payload", p.Payload)
	t.line("extra", p.Extra)
	t.line("xattrs", p.Xattrs)
	t.line("selinux", p.SELinux)
	t.line("size", p.Size)
	t.line("inodes", itoa(p.Inodes))
	t.line("mode", "0"+strconv.FormatInt(int64(p.Mode), 8))
	t.line("mtime", itoa(p.MTime))
	t.line("exec", p.Exec)
	t.list("arg", p.Args)
	t.list("env", p.Env)
	if u := p.User; u != nil {
		t.line("user", itoa(int64(u.UID)), itoa(int64(u.GID)), u.Home)
	}
	for _, id := range p.Groups {
		t.line("group", itoa(int64(id)))
	}
	if p.Workdir != "" {
		t.line("workdir", p.Workdir)
	}
	for _, m := range p.Mounts {
		t.line("mount", m.Type, m.Source, m.Target, m.Options)
	}
	for _, m := range p.Modules {
		need := optional
		if m.Required {
			need = required
		}
		t.line("module", m.Path, need)
	}
	t.line("on_error", p.OnError)
	t.line("cmdline", p.Cmdline)
	if p.OnExit != "" {
		t.line("supervise", p.OnExit, itoa(p.Delay))
	}
	t.list("boot", p.Boot)
	for _, o := range p.Once {
		t.line("once", o.Path, itoa(o.Size), itoa(o.MTime))
	}
	for _, r := range p.Rdinit {
		t.line("rdinit", r.Name, r.Place)
	}
	t.line("entries", itoa(p.Entries))
	for i, n := range p.Blocks {
		t.line("blocks", itoa(PageSizes[i]), itoa(n))
	}
	t.line("window", itoa(p.Window))
	t.list("last", p.Last)
	for _, m := range p.Members {
		t.line("member", itoa(m.Packed), itoa(m.Unpacked), m.SHA256, m.CRC32)
	}
	return t
}

// text is a plan while it is written.
type text []byte

// line adds a line. (Inlined, it would cost the stub 20 KB.)
//
//go:noinline
func (t *text) line(words ...string) {
	for i, w := range words {
		if i > 0 {
			*t = append(*t, ' ')
		}
		*t = appendEscaped(*t, w)
	}
	*t = append(*t, '\n')
}

// list adds a line for each value.
func (t *text) list(key string, values []string) {
	for _, v := range values {
		t.line(key, v)
	}
}

// Parse reads a plan. An error in a line begins with its number.
func Parse(data []byte) (*Plan, error) {
	lines, whole := strings.CutSuffix(string(data), "\n")
	if !whole {
		return nil, errors.New("cut short")
	}
	p := new(Plan)
	for i, l := range strings.Split(lines, "\n") {
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
			if msg = p.set(key, args); msg != "" {
				msg = string(escape(nil, key)) + ": " + msg // without control characters
			}
		case key != "mkinitfs" || len(args) != 1:
			msg = "not a boot plan"
		case args[0] != version:
			msg = "format " + string(escape(nil, args[0])) + ", this stub reads format " + version
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
	case "blocks", "module", "rdinit", "supervise":
		want = 2
	case "once", "user":
		want = 3
	}
	if len(args) != want {
		return "wrong number of values"
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
	case "user":
		uid, ok := parseID(v)
		gid, both := parseID(args[1])
		if !ok || !both {
			return "bad number"
		}
		p.User = &User{uid, gid, args[2]}
	case "group":
		id, ok := parseID(v)
		if !ok {
			return "bad number"
		}
		p.Groups = append(p.Groups, id)
	case "workdir":
		p.Workdir = v
	case "mount":
		p.Mounts = append(p.Mounts, Mount{v, args[1], args[2], args[3]})
	case "module":
		if args[1] != required && args[1] != optional {
			return "neither " + required + " nor " + optional
		}
		p.Modules = append(p.Modules, Module{v, args[1] == required})
	case "on_error":
		p.OnError = v
	case "cmdline":
		p.Cmdline = v
	case "supervise":
		p.OnExit = v
		if p.Delay, numeric = ParseUint(args[1], 10); !numeric || p.Delay > limit {
			return "bad number"
		}
	case "boot":
		p.Boot = append(p.Boot, v)
	case "once":
		o := Once{Path: v}
		var mtime bool
		o.Size, numeric = ParseUint(args[1], 10)
		o.MTime, mtime = ParseUint(args[2], 10)
		if !numeric || !mtime || o.Size > limit || o.MTime > limit {
			return "bad number"
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
			return "bad number"
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
			return "bad number"
		}
		p.Blocks[i] = pages
	case "member":
		unpacked, ok := ParseUint(args[1], 10)
		if !ok || unpacked > limit {
			return "bad number"
		}
		p.Members = append(p.Members, Member{Packed: n, Unpacked: unpacked, SHA256: args[2], CRC32: args[3]})
	default:
		return "unknown key"
	}
	return ""
}
