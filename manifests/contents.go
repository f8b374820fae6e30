package manifests

import (
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// contentType is a word for type in contents, with the keys beside type that it
// must have and may have.
type contentType struct{ name, must, may string }

var contentTypes = []contentType{
	{"file", "dst", "src content mode owner mtime xattrs capabilities links follow replace optional"},
	{"dir", "dst", "mode owner mtime xattrs replace"},
	{"symlink", "dst target", "owner mtime xattrs replace"},
	{"hardlink", "dst target", "replace"},
	{"char", "dst dev", "mode owner mtime xattrs replace"},
	{"block", "dst dev", "mode owner mtime xattrs replace"},
	{"fifo", "dst", "mode owner mtime xattrs replace"},
	{"socket", "dst", "mode owner mtime xattrs replace"},
	{"tree", "src dst", "exclude mode dir_mode owner mtime xattrs whiteouts follow replace optional"},
	{"tar", "src", "dst exclude xattrs whiteouts replace optional"},
	{"go", "src dst", "mode links owner mtime xattrs capabilities replace"},
}

// otherTypes are the words of other tools for types of contents.
var otherTypes = []otherWord{
	{"directory", "dir"}, {"folder", "dir"}, {"mkdir", "dir"},
	{"link", "symlink or hardlink"}, {"symbolic", "symlink"}, {"softlink", "symlink"}, {"slink", "symlink"},
	{"device", "char or block"}, {"dev", "char or block"}, {"node", "char or block"}, {"nod", "char or block"},
	{"pipe", "fifo"}, {"sock", "socket"},
	{"archive", "tar"}, {"tarball", "tar"}, {"tgz", "tar"}, {"copy", "file or tree"}, {"rootfs", "tree or tar"},
	{"golang", "go"}, {"program", "file or go"}, {"binary", "file or go"},
}

// content decodes one item of contents and appends it to list.
func (d *decoder) content(n *node, list *[]Content) {
	if n.kind != mapping {
		d.want(n, "a mapping", "contents")
		return
	}
	kind, ok := n.field("type")
	if !ok {
		for _, f := range n.fields {
			if spaceColon(f.key, "type") != "" {
				d.add(f.pos, unknownKey("contents", f.key, []string{"type"}))
				return
			}
		}
		d.add(n.pos, advise(guessType(n), "an item of contents needs type"))
		return
	}
	t, ok := take(d, kind.val, "type", findType)
	if !ok {
		return
	}
	must, may := strings.Fields(t.must), strings.Fields(t.may)
	o := d.object(n, t.name, slices.Concat([]string{"type"}, must, may)...)
	o.require(t.name, must...)
	*list = append(*list, o.item(t.name))
}

func findType(name string) (contentType, error) {
	var names []string
	for _, t := range contentTypes {
		if t.name == name {
			return t, nil
		}
		names = append(names, t.name)
	}
	return contentType{}, unknown("type", name, names, otherTypes...)
}

// guessType says which types have the keys of n, to be shown as a hint.
func guessType(n *node) string {
	var fit []string
	for _, t := range contentTypes {
		must, may := strings.Fields(t.must), strings.Fields(t.may)
		fits := !slices.ContainsFunc(must, func(key string) bool { _, ok := n.field(key); return !ok })
		for _, f := range n.fields {
			fits = fits && (slices.Contains(must, f.key) || slices.Contains(may, f.key))
		}
		if fits {
			fit = append(fit, t.name)
		}
	}
	if len(fit) == 0 {
		return ""
	}
	return "its keys are those of " + strings.Join(fit, ", ")
}

// item reads an item of the type called name. A key that the type does not have
// is not among o's, so all of them can be asked for.
func (o *object) item(name string) Content {
	c := Content{Pos: o.pos, Type: name}
	c.readDst(o)
	c.readSource(o)
	c.readMode(o)
	o.someMode("dir_mode", &c.DirMode)
	for _, n := range o.list("links") {
		if link, ok := parse(o.decoder, n, "links", parseNewPath); ok {
			c.Links = append(c.Links, link)
		}
	}
	switch name {
	case "symlink":
		set(o, "target", &c.Target, parseTarget)
	case "hardlink":
		if set(o, "target", &c.Target, parseNewPath) && c.Target == c.Dst {
			o.errorf(o.get("target").pos, "%s cannot be a hard link to itself", c.Dst)
		}
	}
	var dev device
	set(o, "dev", &dev, parseDevice)
	c.Major, c.Minor = dev.major, dev.minor
	readOwner, readMTime := parseOwner, parseMTime
	if name == "tree" || name == "file" && !o.has("content") {
		readOwner, readMTime = parseSourceOwner, parseSourceMTime
	}
	set(o, "owner", &c.Owner, readOwner)
	set(o, "mtime", &c.MTime, readMTime)
	c.readXattrs(o)
	c.Exclude = o.globs(o.list("exclude"), "exclude", parseExclude)
	var whiteouts string
	choose(o, "whiteouts", &whiteouts, "apply")
	c.Whiteouts = whiteouts != ""
	set(o, "follow", &c.Follow, parseBool)
	set(o, "replace", &c.Replace, parseBool)
	set(o, "optional", &c.Optional, parseBool)
	return c
}

// readDst reads where an item goes. A slash at the end means "into this folder",
// which only what has a name of its own can do.
func (c *Content) readDst(o *object) {
	if c.Type == "tar" {
		c.Dst, c.DstDir = "/", true
	}
	var p place
	if !set(o, "dst", &p, parsePlace) {
		return
	}
	c.Dst, c.DstDir = p.path, p.folder
	at := o.get("dst")
	switch c.Type {
	case "dir":
		if p.path == "/" {
			o.refuse("root.mode is the mode of /", "mode")
		}
	case "tree", "tar", "go":
	case "file":
		if p.folder && o.has("content") {
			o.errorf(at.pos, "dst %s: content has no name to have there", quote(at.text))
		}
	default:
		if p.folder {
			o.errorf(at.pos, "dst %s: a %s is no directory", quote(at.text), c.Type)
		}
	}
}

// readSource reads what an item is made from: a path of the host, or the content
// itself.
func (c *Content) readSource(o *object) {
	var src string
	named := set(o, "src", &src, parseWord)
	setSome(o, "content", &c.Text, parseRaw)
	if c.Type == "file" {
		switch {
		case o.has("src") && o.has("content"):
			o.errorf(o.fields["content"].pos, "content and src exclude each other")
		case !o.has("src") && !o.has("content"):
			o.errorf(o.pos, "file needs src or content")
		case o.has("content"):
			o.refuse("there is no src", "follow", "optional")
		}
	}
	if !named {
		return
	}
	c.Src = join(o.dir, src)
	switch {
	case c.Type == "tar" && src == Stdin:
		c.Src = Stdin
	case c.Src == Stdin: // a file of that name
		c.Src = "./" + c.Src
	}
	if c.Type != "file" {
		return
	}
	if plain, ok := plainSource(src); ok {
		c.Src = join(o.dir, plain)
		return
	}
	pos := o.get("src").pos
	c.Src, c.SrcGlob = joinPattern(o.dir, src), true
	if !doublestar.ValidatePattern(src) {
		o.errorf(pos, "src %s: %w", quote(src), errPattern)
	}
	if !c.DstDir && c.Dst != "" {
		o.add(pos, advise("end dst with / to put what it matches into that directory, or write \\ before a character that is meant as it is",
			"src %s is a pattern, and dst is one file", quote(src)))
	}
	o.refuse("src is a pattern", "links")
}

// Stdin as the Src of a tar is the standard input.
const Stdin = "-"

// streams reports those of items that want what another has read.
func (d *decoder) streams(items []Content) {
	var first *Content
	for i := range items {
		switch c := &items[i]; {
		case c.Type != "tar" || c.Src != Stdin:
		case first != nil:
			d.errorf(c.Pos, "src %q: standard input is read at %s already", Stdin, first.Pos)
		case d.stdin:
			d.errorf(c.Pos, "src %q: standard input holds the manifest", Stdin)
		default:
			first = c
		}
	}
}

// readMode reads the mode of an item. That of a tree may be a rule for its files.
func (c *Content) readMode(o *object) {
	n := o.get("mode")
	if c.Type == "tree" && n != nil && (n.text == "keep" || n.text == "normalize") {
		c.Norm = n.text == "normalize"
		return
	}
	o.someMode("mode", &c.Mode)
}

// permission decodes one item of permissions and appends it to list.
func (d *decoder) permission(n *node, list *[]Permission) {
	if n.kind != mapping {
		d.want(n, "a mapping", "permissions")
		return
	}
	o := d.object(n, "permissions", "path", "mode", "dir_mode", "owner", "mtime", "xattrs", "capabilities", "optional")
	o.require("an item of permissions", "path")
	p := Permission{Glob: Glob{Pos: o.pos}}
	if set(o, "path", &p.Glob.Pattern, parsePattern) {
		p.Glob.Pos = o.get("path").pos
	}
	set(o, "optional", &p.Glob.Optional, parseBool)
	o.someMode("mode", &p.Mode)
	o.someMode("dir_mode", &p.DirMode)
	set(o, "owner", &p.Owner, parseOwner)
	set(o, "mtime", &p.MTime, parseMTime)
	if o.noStub {
		o.refuse(noXattrs, "xattrs", "capabilities")
	}
	p.Xattrs = o.attributes(o.get("xattrs"))
	if !slices.ContainsFunc([]string{"mode", "dir_mode", "owner", "mtime", "xattrs", "capabilities"}, o.has) {
		d.errorf(o.pos, "an item of permissions needs mode, dir_mode, owner, mtime, xattrs or capabilities")
	}
	*list = append(*list, p)
}
