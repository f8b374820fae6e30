package manifests

import "errors"

// Cpio is the root that an initramfs brings up: a run of cpio archives, raw or compressed,
// or an image of mkinitfs. Dst takes the place of its top.
type Cpio struct {
	Item                // Dst "" is "/"
	Src       string    // host path, joined with its directory, of a file or a FIFO; or [Stdin]
	SrcXattrs XattrRule // the extended attributes that an image of mkinitfs has
	Exclude   []Glob    // relative to its top, without a slash in front; a directory goes with all that is in it
	Optional  bool      // a missing source is not an error
}

var cpioKeys = []Key{
	{Name: "src", Kind: KindHostPath, Required: true,
		Doc: "An initramfs: cpio archives one behind the other, each raw or compressed, or an image of mkinitfs; a FIFO that one comes out of; `-` is the standard input."},
	{Name: "dst", Kind: KindPath, Default: "/", Doc: "The directory that what is in it goes into."},
	excludeKey,
	sourceXattrsKey,
	replaceKey,
	optionalKey,
}

func (*Cpio) Type() string { return "cpio" }

// Stream returns what the archives are read from.
func (c *Cpio) Stream() string { return c.Src }

func readCpio(o *object) Content {
	c := &Cpio{Item: o.item(), Src: o.stream(), SrcXattrs: o.xattrRule()}
	c.Dst = o.dst().path
	c.Exclude = o.globs("exclude", parseExclude)
	set(o, "optional", &c.Optional, parseBool)
	return c
}

func (c *Cpio) check(root RootType) error {
	var dst error
	if c.Dst != "" {
		dst = c.checkDst(true)
	}
	return errors.Join(dst, checkSource("cpio", c.Src), c.SrcXattrs.check(root), checkGlobs("exclude", c.Exclude, parseExclude))
}
