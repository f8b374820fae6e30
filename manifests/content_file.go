package manifests

import (
	"errors"

	"github.com/bmatcuk/doublestar/v4"
)

// File is one or more files of the host, or a text.
type File struct {
	Item
	Attr                // Mode nil: the source's, 0644 for a text
	DstDir    bool      // Dst is a directory that the files go into under their own names
	Src       string    // host path, joined with its directory
	SrcGlob   bool      // Src is a pattern over host paths, in doublestar's syntax; the files go into Dst
	Text      *string   // content, instead of Src
	SrcXattrs XattrRule // the source's extended attributes
	Links     []string  // further names of a single file: hard links
	Applets   *Applets  // more links to a single file, which a file has; or nil
	Follow    bool      // follow a symbolic link in the source
	Optional  bool      // a missing source is not an error
}

// Applets are links to a program that is several in one, such as busybox.
type Applets struct {
	Pos  Pos
	Src  string // host path, joined with its directory, of a file with a path of the root on each line
	Hard bool   // hard links instead of symbolic links
}

var appletsSection = Section{Path: "contents.links", Keys: []Key{
	{Name: "applets", Kind: KindHostPath, Required: true, Doc: "A file with a path of the root on each line, such as `busybox.links` of a build of busybox."},
	{Name: "type", Kind: KindWord, Default: "symlink", Values: []string{"symlink", "hardlink"}, Doc: "Whether these paths become symbolic links to the file or hard links."},
}}

var fileKeys = []Key{
	dstKey.with("Its path in the root; with a slash at the end, a directory in which it keeps its own name."),
	{Name: "src", Kind: KindHostPath, Doc: "A file of the host, or a pattern for several if `dst` ends in a slash; this or `content` is required."},
	{Name: "content", Kind: KindText, Doc: "The text that the file holds, instead of a file of the host."},
	{Name: "mode", Kind: KindMode, Otherwise: "the source's; 0644 with `content`", Doc: "Its permission bits."},
	{Name: "owner", Kind: KindOwner, Default: "0:0", Values: []string{"keep"}, Doc: "Its user and group; `keep` takes the source's."},
	{Name: "mtime", Kind: KindTime, Otherwise: mtimeKey.Otherwise, Values: []string{"keep", "clamp"},
		Doc: "Its modification time; `keep` takes the source's, `clamp` the source's but `SOURCE_DATE_EPOCH` at most."},
	{Name: "xattrs", Kind: KindXattrs, Values: xattrRules, Otherwise: sourceXattrsKey.Otherwise,
		Doc: "Its extended attributes, by name; or whether those of the source are kept."},
	capsKey,
	{Name: "links", Kind: KindLinks, Doc: "Further names of the file: hard links; a mapping takes links from another file."},
	{Name: "follow", Kind: KindBool, Default: "false", Doc: "Whether to take the file that a symbolic link leads to, instead of the link."},
	replaceKey,
	optionalKey,
	libsOfFileKey,
	sysrootKey,
}

func (*File) Type() string { return "file" }

func readFile(o *object) Content {
	f := &File{Item: o.item()}
	if n := o.get("links"); n != nil && n.kind == mapping {
		f.Applets = readApplets(o.decoder, n)
	} else {
		f.Links = o.links()
	}
	dst := o.dst()
	f.Dst, f.DstDir = dst.path, dst.directory
	text := o.has("content")
	if at := o.get("dst"); text && dst.directory {
		o.errorf(at.pos, "dst %s: content has no name to have there", quote(at.text))
	}
	f.readSource(o)
	readOwner, readMTime := parseSourceOwner, parseSourceMTime
	if text {
		readOwner, readMTime = parseOwner, parseMTime
	}
	o.someMode("mode", &f.Mode)
	o.owner(&f.Owner, readOwner)
	setGiven(o, "mtime", &f.MTime, readMTime)
	if n := o.get("xattrs"); n != nil && n.kind == scalar && !text {
		f.SrcXattrs = o.xattrRule()
	} else {
		f.Xattrs = o.ownXattrs()
	}
	f.Xattrs = o.withCapabilities(f.Xattrs)
	set(o, "follow", &f.Follow, parseBool)
	set(o, "optional", &f.Optional, parseBool)
	f.Libs = o.libs(true)
	return f
}

// readApplets reads the links of a file that another file lists.
func readApplets(d *decoder, n *node) *Applets {
	o := d.object(n, "links", &appletsSection)
	o.require("links")
	a := &Applets{Pos: n.pos}
	var kind string
	choose(o, "type", &kind)
	a.Hard = kind == "hardlink"
	if set(o, "applets", &a.Src, parseHostFile) {
		a.Src = join(o.hostDir(o.get("applets"), join), a.Src)
	}
	return a
}

var errFileSource = errors.New("file needs src or content")

// readSource reads the source of a file: a path of the host, or the content itself.
func (f *File) readSource(o *object) {
	setSome(o, "content", &f.Text, parseRaw)
	switch {
	case o.has("src") && o.has("content"):
		o.errorf(o.fields["content"].pos, "content and src exclude each other")
	case !o.has("src") && !o.has("content"):
		o.add(o.pos, errFileSource)
	case o.has("content"):
		o.refuse("there is no src", "follow", "optional")
	}
	var src string
	if !set(o, "src", &src, parseWord) {
		return
	}
	n := o.get("src")
	pos, dir := n.pos, o.hostDir(n, joinPattern)
	if plain, ok := plainSource(src); ok {
		f.Src = join(dir, plain)
		return
	}
	f.Src, f.SrcGlob = joinPattern(dir, src), true
	if !doublestar.ValidatePattern(src) {
		o.errorf(pos, "src %s: %w", quote(src), errPattern)
	}
	if !f.DstDir && f.Dst != "" {
		o.add(pos, advise("end dst with / to put what it matches into that directory, or write \\ before a character that is meant as it is",
			"src %s is a pattern, and dst is one file", quote(src)))
	}
	o.refuse("src is a pattern", "links")
}

func (f *File) check(root RootType) error {
	var missing error
	if f.Src == "" && f.Text == nil {
		missing = errFileSource
	}
	return errors.Join(f.checkDst(f.DstDir || f.SrcGlob), missing, f.Attr.check(root), f.SrcXattrs.check(root), checkLinks(f.Links), f.Applets.check())
}

func (a *Applets) check() error {
	if a == nil {
		return nil
	}
	return checkText("applets", a.Src, parseHostFile)
}
