package manifests

import "errors"

// Go is a Go program, compiled for the architecture of the image.
type Go struct {
	Item
	Attr            // Mode nil: 0755
	DstDir bool     // Dst is a directory that the program goes into under its own name
	Src    string   // host path, joined with its directory, of a package or a .go file
	Links  []string // further names: hard links
}

var goKeys = []Key{
	{Name: "src", Kind: KindHostPath, Required: true, Doc: "The directory of a main package, or a .go file: compiled without cgo, for `arch`."},
	dstKey.with("The path of the program; with a slash at the end, a directory in which it has the name of its source."),
	modeKey("0755"),
	linksKey.with("Further names of the program: hard links."),
	ownerKey, mtimeKey, xattrsKey, capsKey, replaceKey,
}

func (*Go) Type() string { return "go" }

func readGo(o *object) Content {
	g := &Go{Item: o.item(), Attr: o.attr(), Src: o.source(), Links: o.links()}
	dst := o.dst()
	g.Dst, g.DstDir = dst.path, dst.directory
	g.Xattrs = o.withCapabilities(g.Xattrs)
	return g
}

func (g *Go) check(root RootType) error {
	return errors.Join(g.checkDst(g.DstDir), checkSource("go", g.Src), g.Attr.check(root), checkLinks(g.Links))
}
