package manifests

import "errors"

// Tree is a directory of the host with everything in it. Its top becomes Dst.
type Tree struct {
	Item
	Attr                // Mode is for directories, too: they get x wherever there is r
	DirMode   *uint32   // permission bits of directories, instead of Mode
	Normalize bool      // mode 0755 for directories and for files that their owner may execute, else 0644
	Src       string    // host path, joined with its directory
	SrcXattrs XattrRule // the source's extended attributes
	Exclude   []Glob    // relative to Src, without a slash in front; an excluded directory is not entered
	Follow    bool      // take the targets of symbolic links, not the links
	Whiteouts bool      // apply the marks by which a container's layer deletes
	Optional  bool      // a missing source is not an error
}

var treeKeys = []Key{
	{Name: "src", Kind: KindHostPath, Required: true, Doc: "A directory of the host, or a symbolic link to one."},
	dstKey.with("The directory for the contents of `src`."),
	excludeKey,
	{Name: "mode", Kind: KindMode, Default: "keep", Values: []string{"keep", "normalize"},
		Doc: "Permission bits of everything in it, with x added for directories wherever there is r; `keep` takes the source's, " +
			"`normalize` 0755 for directories and what its owner may execute, else 0644."},
	{Name: "dir_mode", Kind: KindMode, Otherwise: "as `mode` says", Doc: "Permission bits of the directories."},
	{Name: "owner", Kind: KindOwner, Default: "0:0", Values: []string{"keep"}, Doc: "User and group of everything in it; `keep` takes the source's."},
	{Name: "mtime", Kind: KindTime, Otherwise: mtimeKey.Otherwise, Values: []string{"keep", "clamp"},
		Doc: "The modification time; `keep` takes the source's, `clamp` the source's but `SOURCE_DATE_EPOCH` at most."},
	sourceXattrsKey,
	whiteoutKey,
	{Name: "follow", Kind: KindBool, Default: "false", Doc: "Whether to take the files that symbolic links lead to, instead of the links."},
	replaceKey,
	optionalKey,
	libsKey,
	sysrootKey,
}

func (*Tree) Type() string { return "tree" }

func readTree(o *object) Content {
	t := &Tree{Item: o.item(), Src: o.source(), SrcXattrs: o.xattrRule(), Whiteouts: o.whiteouts()}
	t.Dst = o.dst().path
	if n := o.get("mode"); n != nil && (n.text == "keep" || n.text == "normalize") {
		t.Normalize = n.text == "normalize"
	} else {
		o.someMode("mode", &t.Mode)
	}
	o.someMode("dir_mode", &t.DirMode)
	o.owner(&t.Owner, parseSourceOwner)
	setGiven(o, "mtime", &t.MTime, parseSourceMTime)
	t.Exclude = o.globs("exclude", parseExclude)
	set(o, "follow", &t.Follow, parseBool)
	set(o, "optional", &t.Optional, parseBool)
	t.Libs = o.libs(false)
	return t
}

// source reads a path of the host.
func (o *object) source() string {
	var src string
	if !set(o, "src", &src, parseWord) {
		return ""
	}
	return joinSource(o.hostDir(o.get("src"), joinSource), src)
}

// joinSource is join for a source that is not standard input.
func joinSource(dir, src string) string {
	src = join(dir, src)
	if src == Stdin { // a file of that name
		src = "./" + src
	}
	return src
}

// stream is source for an item that may read standard input.
func (o *object) stream() string {
	if n := o.get("src"); n != nil && n.text == Stdin {
		return Stdin
	}
	return o.source()
}

func (t *Tree) check(root RootType) error {
	return errors.Join(t.checkDst(true), checkSource("tree", t.Src), t.Attr.check(root), checkMode(t.DirMode),
		t.SrcXattrs.check(root), checkGlobs("exclude", t.Exclude, parseExclude))
}
