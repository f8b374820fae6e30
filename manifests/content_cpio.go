package manifests

import "errors"

// Cpio is the root of an initramfs: of a run of cpio archives, raw or compressed, or of an
// image of mkinitfs. Its top becomes Dst.
type Cpio struct {
	Item                // Dst "" is "/"
	Src       string    // host path, joined with its directory, of a file or a FIFO; or [Stdin]
	SrcXattrs XattrRule // the extended attributes of an image of mkinitfs
	Exclude   []Glob    // relative to its top, without a slash in front; a directory is left out with everything in it
	Optional  bool      // a missing source is not an error
}

var cpioKeys = []Key{
	{Name: "src", Kind: KindHostPath, Required: true,
		Doc: "An initramfs: cpio archives one behind the other, each raw or compressed, or an image of mkinitfs; a FIFO with such a stream; `-` is standard input."},
	{Name: "dst", Kind: KindPath, Default: "/", Doc: "The directory for its contents."},
	excludeKey,
	sourceXattrsKey,
	replaceKey,
	optionalKey,
	libsKey,
	sysrootKey,
}

func (*Cpio) Type() string { return "cpio" }

// Stream returns the source of the archives: a host path, or [Stdin].
func (c *Cpio) Stream() string { return c.Src }

func readCpio(o *object) Content {
	c := &Cpio{Item: o.item(), Src: o.stream(), SrcXattrs: o.xattrRule()}
	c.Dst = o.dst().path
	c.Exclude = o.globs("exclude", parseExclude)
	set(o, "optional", &c.Optional, parseBool)
	c.Libs = o.libs(false)
	return c
}

func (c *Cpio) check(root RootType) error {
	var dst error
	if c.Dst != "" {
		dst = c.checkDst(true)
	}
	return errors.Join(dst, checkSource("cpio", c.Src), c.SrcXattrs.check(root), checkGlobs("exclude", c.Exclude, parseExclude))
}
