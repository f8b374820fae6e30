package manifests

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Options say where a manifest comes from and what its variables mean.
type Options struct {
	File   string                      // name shown in positions; "" is <manifest>
	Dir    string                      // relative sources are joined with it; "" is the folder of File
	Vars   map[string]string           // what -D NAME=value defines; these win over vars
	Getenv func(string) (string, bool) // looks variables up that nothing else defines; nil: no environment
	Stdin  io.Reader                   // what [Load] reads for "-"; nil is os.Stdin

	stdin bool // the manifest has come in on standard input
}

// Load reads the manifest in file, or in opt.Stdin if file is "-". A
// manifest that is not right gives [Errors].
func Load(file string, opt Options) (*Manifest, error) {
	if opt.File == "" {
		opt.File = file
	}
	var data []byte
	var err error
	if file == "-" {
		if opt.File == "-" {
			opt.File = "<stdin>"
		}
		opt.stdin = true
		stdin := opt.Stdin
		if stdin == nil {
			stdin = os.Stdin
		}
		data, err = io.ReadAll(stdin)
	} else {
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, err
	}
	m, err := Parse(data, opt)
	if err == nil && file != "-" {
		m.Files = []string{file}
	}
	return m, err
}

// Parse decodes the manifest in data. A manifest that is not right gives
// [Errors], all of them.
func Parse(data []byte, opt Options) (*Manifest, error) {
	if opt.File == "" {
		opt.File = "<manifest>"
	}
	if opt.Dir == "" {
		opt.Dir = filepath.Dir(opt.File)
	}
	d := &decoder{report: &report{file: opt.File}, dir: opt.Dir, stdin: opt.stdin}
	var m *Manifest
	if top := d.read(data); top != nil && d.version(top) {
		d.substitute(top, opt)
		m = d.manifest(top)
	}
	if len(d.errs) > 0 {
		return nil, d.errs.sorted()
	}
	m.Warnings = d.warnings.sorted()
	return m, nil
}

// substitute expands the variables in every value of the manifest.
func (d *decoder) substitute(top *node, opt Options) {
	v := newVariables(d.report, opt)
	if f, ok := top.field("vars"); ok {
		v.declare(f.val)
	}
	for _, f := range top.fields {
		if f.key != "vars" {
			f.val.walk(v.expand)
		}
	}
	v.unused(top.pos)
}

// manifest decodes the top of the tree.
func (d *decoder) manifest(top *node) *Manifest {
	m := &Manifest{
		Pos:      top.pos,
		Compress: Compression{Pos: top.pos, Codec: "gzip"},
	}
	o := d.object(top, "the manifest", "version", "name", "arch", "vars", "compress", "root", "selinux", "init",
		"boot", "contents", "permissions", "remove", "output")
	set(o, "name", &m.Name, parseName)
	if n := o.get("arch"); n != nil {
		m.Arch, _ = take(d, n, "arch", ParseArch)
	}
	d.compression(o.get("compress"), "compress", codecs, &m.Compress)
	m.Root = d.root(o.get("root"), top.pos)
	d.noStub = m.Root.Type == None
	if d.noStub {
		o.refuse(noXattrs, "selinux")
	}
	m.SELinux = d.selinux(o.get("selinux"))
	m.Init = d.init(o.get("init"), top.pos, m.Root.Type)
	m.Boot = d.globs(o.list("boot"), "boot", parsePattern)
	for _, n := range o.list("contents") {
		d.content(n, &m.Contents)
	}
	d.streams(m.Contents)
	for _, n := range o.list("permissions") {
		d.permission(n, &m.Permissions)
	}
	m.Remove = d.globs(o.list("remove"), "remove", parsePattern)
	m.Output = d.output(o.get("output"))
	return m
}

// version reports whether the manifest is of a version that we know, or could
// be: in another one the keys may mean anything.
func (d *decoder) version(top *node) bool {
	f, ok := top.field("version")
	if !ok {
		d.add(top.pos, advise("version: 1 is the one there is", "version is missing"))
		return true
	}
	_, ok = parse(d, f.val, "version", parseVersion)
	return ok
}

func parseVersion(text string) (int, error) {
	if text != "1" {
		return 0, errors.New("this mkinitfs reads version 1")
	}
	return 1, nil
}

func (d *decoder) output(n *node) Output {
	var out Output
	o := d.object(n, "output", "max_size", "max_unpacked")
	if set(o, "max_size", &out.MaxSize, ParseSize) {
		out.MaxSizePos = o.get("max_size").pos
	}
	if set(o, "max_unpacked", &out.MaxUnpacked, ParseSize) {
		out.MaxUnpackedPos = o.get("max_unpacked").pos
	}
	return out
}

// globs reads a list of patterns, each one word or {path, optional}.
func (d *decoder) globs(items []*node, key string, read func(string) (string, error)) []Glob {
	var globs []Glob
	for _, n := range items {
		g := Glob{Pos: n.pos}
		ok := false
		if n.kind == mapping {
			o := d.object(n, key, "path", "optional")
			o.require(key, "path")
			set(o, "optional", &g.Optional, parseBool)
			ok = set(o, "path", &g.Pattern, read)
		} else {
			g.Pattern, ok = parse(d, n, key, read)
		}
		if ok {
			globs = append(globs, g)
		}
	}
	return globs
}
