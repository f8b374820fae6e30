package manifests

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

var initSection = Section{Path: "init", Keys: []Key{
	{Name: "exec", Kind: KindPath, Default: "/sbin/init", Doc: "The program that is started; an `/init` from an item of type `cpio` comes before the default."},
	{Name: "from", Kind: KindWord, Values: []string{"oci"}, Otherwise: "only these keys say it", Roots: withStub,
		Doc: "What describes the process, beside the keys given here: the container's image of the item of type `oci`."},
	{Name: "args", Kind: KindTexts, Roots: withStub, Doc: "Its arguments."},
	{Name: "env", Kind: KindMapping, Roots: withStub, Doc: "Variables of its environment, each a name with its value."},
	{Name: "user", Kind: KindUser, Default: "root", Roots: withStub, Doc: "The user that the program runs as."},
	{Name: "groups", Kind: KindTexts, Otherwise: "as in `/etc/group`", Roots: withStub, Doc: "Its supplementary groups, names or ids."},
	{Name: "workdir", Kind: KindPath, Default: "/", Roots: withStub, Doc: "The directory that the program starts in."},
	{Name: "mounts", Kind: KindMounts, Values: presetNames(), Roots: withStub, Doc: "File systems to mount before the program starts."},
	{Name: "modules", Kind: KindModules, Roots: withStub, Doc: "Kernel modules of the root that the stub loads before the program starts."},
	{Name: "on_error", Kind: KindWord, Default: "panic", Values: []string{"panic", "reboot", "poweroff", "shell"},
		Roots: withStub, Doc: "What the stub does when the boot fails."},
	{Name: "cmdline", Kind: KindWord, Default: "use", Values: []string{"use", "ignore"},
		Roots: withStub, Doc: "Whether the stub obeys the kernel's command line."},
	{Name: "rdinit", Kind: KindPaths, Roots: withStub, Doc: "Further paths at which the kernel finds the stub, for a boot loader with a fixed `rdinit=`."},
	{Name: "supervise", Kind: KindBool, Default: "false", Roots: withStub, Doc: "Whether the stub stays the first process, around the program; a mapping says how."},
}}

// init decodes the init section for a root of the given type.
func (d *decoder) init(n *node, whole Pos, root RootType) Init {
	if n != nil && n.kind == scalar && !n.null {
		d.noInit(n, root)
		i := d.init(nil, n.pos, root)
		i.Exec, i.Unasked = "", false
		return i
	}
	i := Init{Pos: whole}
	o := d.object(n, "init", &initSection)
	if !o.absent {
		i.Pos = o.pos
	}
	i.ExecPos = i.Pos
	if i.Unasked = !o.has("exec"); set(o, "exec", &i.Exec, parsePath) {
		i.ExecPos = o.get("exec").pos
	}
	if choose(o, "from", &i.From); i.From != "" {
		i.FromPos = o.get("from").pos
	}
	if n := o.get("args"); n != nil && !n.null {
		i.Args = []string{}
	}
	for _, item := range o.list("args") {
		if arg, ok := parse(d, item, "args", parseText); ok {
			i.Args = append(i.Args, arg)
		}
	}
	i.Env = d.env(o.get("env"))
	setProcess(o, &i)
	if n := o.get("mounts"); n != nil && !n.null {
		i.Mounts = []Mount{}
	}
	i.Mounts = append(i.Mounts, d.mounts(o.list("mounts"))...)
	i.Modules = readInitModules(o)
	choose(o, "on_error", &i.OnError)
	choose(o, "cmdline", &i.Cmdline)
	for _, item := range o.list("rdinit") {
		if name, ok := parse(d, item, "rdinit", parseRdinit); ok {
			i.Rdinit = append(i.Rdinit, Name{item.pos, name})
		}
	}
	i.Supervise = d.supervise(o.get("supervise"))
	if root == None {
		o.refuse("under root.type: none the kernel starts the program itself", "from", "args", "env", "user", "groups", "workdir", "mounts", "modules", "on_error", "cmdline", "rdinit", "supervise")
	}
	return i
}

// noInit checks a single word in the place of the init section. Only none is allowed: then
// another image brings the program.
func (d *decoder) noInit(n *node, root RootType) {
	switch {
	case n.text != "none":
		d.add(n.pos, advise(`write {exec: PROGRAM}, or none for an image without a program`, "init: want a mapping or none, got %s", quote(n.text)))
	case root != None:
		d.add(n.pos, advise("leave it out, or add root: {type: none}",
			"init: none: under root.type: %s the stub has to start a program", root))
	}
}

var superviseSection = Section{Path: "init.supervise", Keys: []Key{
	{Name: "on_exit", Kind: KindWord, Default: "restart", Values: []string{"restart", "reboot", "poweroff", "panic"},
		Doc: "What the stub does when the program ends."},
	{Name: "restart_delay", Kind: KindDuration, Default: "1s", Doc: "The wait before the first restart, 10ms to 1m; it doubles each time."},
}}

// supervise decodes init.supervise: true, false, or a mapping.
func (d *decoder) supervise(n *node) *Supervise {
	if n == nil || n.kind == broken {
		return nil
	}
	s := &Supervise{Pos: n.pos}
	how := n
	if n.kind != mapping {
		if yes, ok := parse(d, n, "supervise", parseBool); !ok || !yes {
			return nil
		}
		how = nil
	}
	o := d.object(how, "supervise", &superviseSection)
	choose(o, "on_exit", &s.OnExit)
	set(o, "restart_delay", &s.RestartDelay, parseDelay)
	if s.OnExit != "restart" {
		o.refuse("under on_exit: "+s.OnExit+" nothing is restarted", "restart_delay")
	}
	return s
}

var errEnvName = errors.New("want a name, without = and NUL")

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
			d.errorf(f.pos, "env %s: %w", quote(f.key), errEnvName)
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

// ContainerMounts returns the file systems that a container finds mounted
// (https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#default-filesystems),
// and /dev.
func ContainerMounts(pos Pos) []Mount {
	var mounts []Mount
	for _, name := range []string{"dev", "proc", "sys", "pts", "shm"} {
		m, err := findPreset(name)
		if err != nil {
			panic("manifests: " + err.Error())
		}
		m.Pos = pos
		mounts = append(mounts, m)
	}
	return mounts
}

// otherMounts are the names of the presets' file systems.
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

var mountSection = Section{Path: "init.mounts", Keys: []Key{
	{Name: "type", Kind: KindName, Required: true, Doc: "The type of the file system, as for mount(8)."},
	{Name: "source", Kind: KindText, Otherwise: "the type", Doc: "The device or other source of the mount."},
	{Name: "target", Kind: KindPath, Required: true, Doc: "The directory that it is mounted on."},
	{Name: "options", Kind: KindText, Doc: "Options, with commas between them."},
}}

func (d *decoder) mount(n *node) (Mount, bool) {
	m := Mount{Pos: n.pos}
	if n.kind == mapping {
		o := d.object(n, "mounts", &mountSection)
		o.require("a mount")
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
	for _, p := range presets {
		if p.name == name {
			m := p.mount
			m.Source = m.Type
			return m, nil
		}
	}
	return Mount{}, unknown("mount", name, presetNames(), otherMounts...)
}

func presetNames() []string {
	var names []string
	for _, p := range presets {
		names = append(names, p.name)
	}
	return names
}

func parseMountpoint(text string) (string, error) {
	target, err := parsePath(text)
	if target == "/" {
		return "", errors.New("the root stands already")
	}
	return target, err
}
