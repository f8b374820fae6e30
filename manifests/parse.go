package manifests

import (
	"cmp"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
)

// Options say where a manifest comes from and what its variables mean.
type Options struct {
	File   string                      // name of the text that [Parse] reads, for positions; "" is <manifest>
	Dir    string                      // relative sources are joined with it, except in included files; "" is the directory of the file
	Arch   string                      // a name in [Archs] in the place of the manifest's; or ""
	Vars   map[string]string           // the variables of -D NAME=value; these win over vars
	Getenv func(string) (string, bool) // looks up variables that nothing else defines; nil: no environment
	Stdin  io.Reader                   // the input that [Load] reads for "-"; nil is os.Stdin

	stdin bool // the manifest has come in on standard input
}

// Load reads the manifest in file, or in opt.Stdin if file is "-". Options.File does nothing
// here. If the manifest is wrong, the error is of type [Errors].
func Load(file string, opt Options) (*Manifest, error) {
	opt.File = file
	var data []byte
	var err error
	if file == "-" {
		opt.File, opt.stdin = "<stdin>", true
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

// Parse decodes the manifest in data, and the files that it includes. The error is of type
// [Errors] and has all problems of the manifest.
func Parse(data []byte, opt Options) (*Manifest, error) {
	return newDecoder(opt).decode(data, opt)
}

func newDecoder(opt Options) *decoder {
	file := cmp.Or(opt.File, noFile)
	return &decoder{report: &report{file: file}, dir: opt.Dir, stdin: opt.stdin}
}

func (d *decoder) decode(data []byte, opt Options) (*Manifest, error) {
	var m *Manifest
	if top := d.tree(data, opt); top != nil {
		m = d.manifest(top)
		m.Arch = cmp.Or(opt.Arch, m.Arch)
	}
	if len(d.errs) > 0 {
		return nil, d.errs.sorted()
	}
	m.Included, m.Warnings = d.included, d.warnings.sorted()
	return m, nil
}

// tree returns the manifest in data, merged with what it includes, with its variables expanded
// and without the keys x-NAME. It returns nil if it cannot be decoded.
func (d *decoder) tree(data []byte, opt Options) *node {
	top := d.read(data)
	if top == nil || !d.version(top) {
		return nil
	}
	v := newVariables(d.report, opt)
	if top = include(d, top, opt, v); top == nil {
		return nil
	}
	if f, ok := d.peek(top, &topSection, "vars"); ok {
		v.declare(f.val)
	}
	chooseItems(d, top, v, opt.Arch)
	for _, f := range top.fields {
		if f.key != "vars" {
			f.val.walk(v.expand)
		}
	}
	v.unused(top.pos)
	return top
}

// dropExtensions removes the keys x-NAME. Whatever they hold counts only where an alias takes it.
func (d *decoder) dropExtensions(top *node) {
	const prefix = "x-"
	d.ask(&topSection, prefix+"NAME")
	top.fields = slices.DeleteFunc(top.fields, func(f field) bool {
		return strings.HasPrefix(f.key, prefix) && f.key != prefix
	})
}

var topSection = Section{Keys: []Key{
	{Name: "version", Kind: KindWord, Required: true, Values: []string{"1"}, Doc: "The version of the language."},
	{Name: "name", Kind: KindName, Doc: "The name of the image: letters, digits and `. _ + -`."},
	{Name: "arch", Kind: KindArch, Otherwise: "this machine", Values: append([]string{AutoArch}, Archs()...), Doc: "The architecture of the machine; `auto` takes the program's."},
	{Name: "include", Kind: KindHostPaths, Doc: "Other manifests, or parts of them, that this one is merged with."},
	{Name: "vars", Kind: KindMapping, Doc: "Variables, each a name with its value."},
	{Name: "compress", Kind: KindCodec, Default: "gzip", Values: codecNames(codecs), Doc: "The codec of the part that the kernel unpacks."},
	{Name: "root", Kind: KindMapping, Doc: "The root file system."},
	{Name: "selinux", Kind: KindMapping, Otherwise: "no labels", Roots: withStub, Doc: "The SELinux policy that labels the root; `{}` takes that of the root's own configuration."},
	{Name: "init", Kind: KindMapping, Values: []string{"none"}, Doc: "The program and how it starts; `none` for an image without a program, which is appended to another one."},
	{Name: "accounts", Kind: KindMapping, Otherwise: "those of the root", Doc: "Users and groups that the root's `/etc/passwd`, `/etc/group` and `/etc/shadow` get."},
	{Name: "early", Kind: KindHostPaths, Doc: "Microcode and ACPI tables, uncompressed in front of everything else: ready archives, or files of which these are made."},
	{Name: "boot", Kind: KindPatterns, Doc: "Paths that exist before the root is unpacked, for drivers that ask for firmware early."},
	{Name: "sysroot", Kind: KindHostPath, Doc: "The directory whose shared libraries `libs` in `contents` takes, laid out like a root; `/` is this machine's."},
	{Name: "contents", Kind: KindItems, Doc: "The contents of the root."},
	{Name: "permissions", Kind: KindItems, Doc: "Rules that change modes, owners, times and attributes of entries, applied in order."},
	{Name: "remove", Kind: KindPatterns, Doc: "Paths that are removed from the root."},
	{Name: "output", Kind: KindMapping, Doc: "Limits on the result."},
	{Name: "lint", Kind: KindMapping, Otherwise: "all rules count", Doc: "Rules that the image may break."},
	{Name: "x-NAME", Kind: KindAnything, Doc: "Anchors for the rest of the manifest, under any name that begins with `x-`."},
}}

// manifest decodes the top of the tree.
func (d *decoder) manifest(top *node) *Manifest {
	o := d.object(top, "the manifest", &topSection)
	m := &Manifest{Pos: top.pos, Compress: o.compression("compress", codecs, top.pos)}
	set(o, "name", &m.Name, parseName)
	if n := o.get("arch"); n != nil {
		m.Arch, _ = take(d, n, "arch", parseManifestArch)
	}
	m.Root = d.root(o.get("root"), top.pos)
	d.noStub = m.Root.Type == None
	if d.noStub {
		o.refuse(noXattrs, "selinux")
	}
	m.SELinux = d.selinux(o.get("selinux"))
	m.Init = d.init(o.get("init"), top.pos, m.Root.Type)
	m.Accounts = readAccounts(o)
	m.Early = readEarly(o, "early")
	m.Boot = o.globs("boot", parsePattern)
	if d.sysroot = o.has("sysroot"); set(o, "sysroot", &m.Sysroot, parseWord) {
		m.Sysroot = join(d.hostDir(o.get("sysroot"), join), m.Sysroot)
	}
	for _, n := range o.list("contents") {
		d.content(n, &m.Contents)
	}
	d.streams(m.Contents)
	for _, n := range d.leftOut {
		d.content(n, new([]Content))
	}
	for _, n := range o.list("permissions") {
		d.permission(n, &m.Permissions)
	}
	m.Remove = o.globs("remove", parsePattern)
	m.Output = d.output(o.get("output"))
	m.Lint = readLint(o)
	return m
}

// version reports whether the manifest is version 1 or does not say. The keys of another
// version may mean anything.
func (d *decoder) version(top *node) bool {
	f, ok := d.peek(top, &topSection, "version")
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

var outputSection = Section{Path: "output", Keys: []Key{
	{Name: "layout", Kind: KindWord, Default: string(Segments), Values: []string{string(Segments), string(Stream)},
		Doc: "How the archives of the image are compressed: each on its own, on all cores; or all in one stream, for tools that decompress the image as one file."},
	{Name: "wrap", Kind: KindWord, Default: string(NoWrap), Values: []string{string(NoWrap), string(UImage)},
		Doc: "The file for a boot loader that the image is put into: none; or a U-Boot uImage, as `mkinitfs wrap uimage` writes it, with the manifest's `name`."},
	{Name: "max_size", Kind: KindSize, Otherwise: "no bound", Doc: "The largest size of the image in bytes, with the file of `wrap` around it; a larger image is an error. An image for standard output or a device waits in `TMPDIR` until its size is known."},
	{Name: "max_unpacked", Kind: KindSize, Otherwise: "no bound", Doc: "The largest size of all files of the root together, in bytes; more is an error."},
}}

func (d *decoder) output(n *node) Output {
	var out Output
	o := d.object(n, "output", &outputSection)
	choose(o, "layout", &out.Layout)
	if n := o.get("layout"); n != nil {
		out.LayoutPos = n.pos
	}
	choose(o, "wrap", &out.Wrap)
	if n := o.get("wrap"); n != nil {
		out.WrapPos = n.pos
	}
	if set(o, "max_size", &out.MaxSize, ParseSize) {
		out.MaxSizePos = o.get("max_size").pos
	}
	if set(o, "max_unpacked", &out.MaxUnpacked, ParseSize) {
		out.MaxUnpackedPos = o.get("max_unpacked").pos
	}
	return out
}

var globSection = Section{Path: "boot, remove, exclude, modules", Keys: []Key{
	{Name: "path", Kind: KindPattern, Required: true, Doc: "The pattern."},
	{Name: "optional", Kind: KindBool, Default: "false", Doc: "Whether the pattern may match nothing."},
}}

// globs reads the list of patterns under key, each one word or {path, optional}.
func (o *object) globs(key string, read func(string) (string, error)) []Glob {
	var globs []Glob
	for _, n := range o.list(key) {
		g := Glob{Pos: n.pos}
		ok := false
		if n.kind == mapping {
			o := o.object(n, key, &globSection)
			o.require(key)
			set(o, "optional", &g.Optional, parseBool)
			ok = set(o, "path", &g.Pattern, read)
		} else {
			g.Pattern, ok = parse(o.decoder, n, key, read)
		}
		if ok {
			globs = append(globs, g)
		}
	}
	return globs
}
