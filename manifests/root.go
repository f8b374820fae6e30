package manifests

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"
)

// root decodes the root section; whole is where the manifest starts.
func (d *decoder) root(n *node, whole Pos) Root {
	r := Root{
		Type:    Tmpfs,
		Mode:    0o755,
		Payload: Compression{Pos: whole, Codec: "auto"},
		Extra:   "merge",
		Xattrs:  "auto",
	}
	o := d.object(n, "root", "type", "size", "inodes", "mode", "payload", "extra", "xattrs")
	choose(o, "type", &r.Type, string(Tmpfs), string(Bind), string(None))
	set(o, "size", &r.Size, parseRootSize)
	set(o, "inodes", &r.Inodes, parseInodes)
	o.mode("mode", &r.Mode)
	d.compression(o.get("payload"), "payload", payloadCodecs, &r.Payload)
	choose(o, "extra", &r.Extra, "merge", "drop", "error")
	choose(o, "xattrs", &r.Xattrs, "auto", "required")
	if r.Type != Tmpfs {
		rootfs := "under root.type: " + string(r.Type) + " the root is rootfs itself, "
		o.refuse(rootfs+"which the kernel sizes", "size", "inodes")
		o.refuse(rootfs+"with whatever else is on it", "extra")
		o.refuse(rootfs+"packed as compress says", "payload")
	}
	if r.Type == None {
		o.refuse(noXattrs, "xattrs")
	}
	return r
}

// init decodes the init section for a root of the given type.
func (d *decoder) init(n *node, whole Pos, root RootType) Init {
	i := Init{Pos: whole, Exec: "/sbin/init", OnError: "panic", Cmdline: "use"}
	if n != nil && n.kind == scalar && !n.null {
		d.noInit(n, root)
		return Init{Pos: n.pos, ExecPos: n.pos, OnError: i.OnError, Cmdline: i.Cmdline}
	}
	o := d.object(n, "init", "exec", "args", "env", "mounts", "on_error", "cmdline", "rdinit", "supervise")
	if o != nil {
		i.Pos = o.pos
	}
	i.ExecPos = i.Pos
	if set(o, "exec", &i.Exec, parsePath) {
		i.ExecPos = o.get("exec").pos
	}
	for _, item := range o.list("args") {
		if arg, ok := parse(d, item, "args", parseText); ok {
			i.Args = append(i.Args, arg)
		}
	}
	i.Env = d.env(o.get("env"))
	i.Mounts = d.mounts(o.list("mounts"))
	choose(o, "on_error", &i.OnError, "panic", "reboot", "poweroff", "shell")
	choose(o, "cmdline", &i.Cmdline, "use", "ignore")
	for _, item := range o.list("rdinit") {
		if name, ok := parse(d, item, "rdinit", parseRdinit); ok {
			i.Rdinit = append(i.Rdinit, Name{item.pos, name})
		}
	}
	i.Supervise = d.supervise(o.get("supervise"))
	if root == None {
		o.refuse("under root.type: none the kernel starts the program itself", "args", "env", "mounts", "on_error", "cmdline", "rdinit", "supervise")
	}
	return i
}

// noInit reads init as a single word: none, for an image that another one brings the
// program for.
func (d *decoder) noInit(n *node, root RootType) {
	switch {
	case n.text != "none":
		d.add(n.pos, advise(`write {exec: PROGRAM}, or none for an image without a program`, "init: want a mapping or none, got %s", quote(n.text)))
	case root != None:
		d.add(n.pos, advise("leave it out, or add root: {type: none}",
			"init: none: under root.type: %s the stub has to start a program", root))
	}
}

// supervise decodes init.supervise: true, false, or how.
func (d *decoder) supervise(n *node) *Supervise {
	if n == nil || n.kind == broken {
		return nil
	}
	s := &Supervise{Pos: n.pos, OnExit: "restart", RestartDelay: time.Second}
	if n.kind != mapping {
		if yes, ok := parse(d, n, "supervise", parseBool); !ok || !yes {
			return nil
		}
		return s
	}
	o := d.object(n, "supervise", "on_exit", "restart_delay")
	choose(o, "on_exit", &s.OnExit, "restart", "reboot", "poweroff", "panic")
	set(o, "restart_delay", &s.RestartDelay, parseDelay)
	if s.OnExit != "restart" {
		o.refuse("under on_exit: "+s.OnExit+" nothing is restarted", "restart_delay")
	}
	return s
}

// env returns the mapping n as NAME=value, sorted by name.
func (d *decoder) env(n *node) []string {
	if n == nil || n.null {
		return nil
	}
	if n.kind != mapping {
		d.want(n, "a mapping", "env")
		return nil
	}
	byName := func(a, b field) int { return cmp.Compare(a.key, b.key) }
	var env []string
	for _, f := range slices.SortedFunc(slices.Values(n.fields), byName) {
		if _, err := parseWord(f.key); err != nil || strings.Contains(f.key, "=") {
			d.errorf(f.pos, "env %s: want a name, without = and NUL", quote(f.key))
			continue
		}
		if value, ok := parse(d, f.val, f.key, parseText); ok {
			env = append(env, f.key+"="+value)
		}
	}
	return env
}

// presets are the file systems that most roots want, with the options that
// systemd and Debian's initramfs give them. Group 5 is tty nearly everywhere.
var presets = []struct {
	name  string
	mount Mount
}{
	{"dev", Mount{Type: "devtmpfs", Target: "/dev", Options: "mode=0755,nosuid"}},
	{"proc", Mount{Type: "proc", Target: "/proc", Options: "nosuid,nodev,noexec"}},
	{"sys", Mount{Type: "sysfs", Target: "/sys", Options: "nosuid,nodev,noexec"}},
	{"run", Mount{Type: "tmpfs", Target: "/run", Options: "mode=0755,nosuid,nodev"}},
	{"pts", Mount{Type: "devpts", Target: "/dev/pts", Options: "mode=0620,gid=5,ptmxmode=0666,nosuid,noexec"}},
	{"shm", Mount{Type: "tmpfs", Target: "/dev/shm", Options: "mode=1777,nosuid,nodev"}},
	{"cgroup2", Mount{Type: "cgroup2", Target: "/sys/fs/cgroup", Options: "nosuid,nodev,noexec"}},
}

// otherMounts are the presets' file systems.
var otherMounts = []otherWord{{"devtmpfs", "dev"}, {"sysfs", "sys"}, {"procfs", "proc"}, {"devpts", "pts"}, {"cgroup", "cgroup2"}, {"tmpfs", "run or shm"}}

// mounts decodes a list of presets and of {type, source, target, options}.
func (d *decoder) mounts(items []*node) []Mount {
	var mounts []Mount
	for _, n := range items {
		m, ok := d.mount(n)
		if !ok {
			continue
		}
		for _, earlier := range mounts {
			if m.Target == earlier.Target || strings.HasPrefix(earlier.Target, m.Target+"/") {
				d.errorf(m.Pos, "mount on %s hides the one on %s at %s", m.Target, earlier.Target, earlier.Pos)
			}
		}
		mounts = append(mounts, m)
	}
	return mounts
}

func (d *decoder) mount(n *node) (Mount, bool) {
	m := Mount{Pos: n.pos}
	if n.kind == mapping {
		o := d.object(n, "mounts", "type", "source", "target", "options")
		o.require("a mount", "type", "target")
		typed := set(o, "type", &m.Type, parseWord)
		placed := set(o, "target", &m.Target, parseMountpoint)
		set(o, "options", &m.Options, parseText)
		if m.Source = m.Type; o.has("source") {
			set(o, "source", &m.Source, parseWord)
		}
		return m, typed && placed
	}
	preset, ok := take(d, n, "mounts", findPreset)
	preset.Pos = n.pos
	return preset, ok
}

func findPreset(name string) (Mount, error) {
	var names []string
	for _, p := range presets {
		if p.name == name {
			m := p.mount
			m.Source = m.Type
			return m, nil
		}
		names = append(names, p.name)
	}
	return Mount{}, unknown("mount", name, names, otherMounts...)
}

func parseMountpoint(text string) (string, error) {
	target, err := parsePath(text)
	if target == "/" {
		return "", errors.New("the root stands already")
	}
	return target, err
}
