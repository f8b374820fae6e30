package manifests

import "errors"

// Tar is the contents of a tar archive, plain or compressed. Its top becomes Dst.
type Tar struct {
	Item                // Dst "" is "/"
	Src       string    // host path, joined with its directory, of a file or a FIFO; or [Stdin]
	SrcXattrs XattrRule // the archive's extended attributes
	Exclude   []Glob    // relative to the archive's top, without a slash in front; a directory is left out with everything in it
	Whiteouts bool      // apply the marks by which a container's layer deletes
	Optional  bool      // a missing archive is not an error
}

// Stdin as the Src of a [Tar], a [Cpio] or an [OCI] means standard input.
const Stdin = "-"

var tarKeys = []Key{
	{Name: "src", Kind: KindHostPath, Required: true,
		Doc: "A tar archive, plain or compressed with gzip, xz, zstd, bzip2, lzma or lz4; a FIFO with such a stream; `-` is standard input."},
	{Name: "dst", Kind: KindPath, Default: "/", Doc: "The directory for the contents of the archive."},
	excludeKey,
	sourceXattrsKey,
	whiteoutKey,
	replaceKey,
	optionalKey,
	libsKey,
	sysrootKey,
}

func (*Tar) Type() string { return "tar" }

func readTar(o *object) Content {
	t := &Tar{Item: o.item(), Src: o.stream(), SrcXattrs: o.xattrRule(), Whiteouts: o.whiteouts()}
	t.Dst = o.dst().path
	t.Exclude = o.globs("exclude", parseExclude)
	set(o, "optional", &t.Optional, parseBool)
	t.Libs = o.libs(false)
	return t
}

// Stream returns the source of the archive: a host path, or [Stdin].
func (t *Tar) Stream() string { return t.Src }

// streamed is an item that may read standard input.
type streamed interface {
	Stream() string // its source: a host path, or [Stdin]
}

// streams reports items that read standard input after the manifest or another item has read
// it.
func (d *decoder) streams(items []Content) {
	var first Content
	for _, c := range items {
		s, ok := c.(streamed)
		if !ok || s.Stream() != Stdin {
			continue
		}
		switch pos := c.Common().Pos; {
		case first != nil:
			d.errorf(pos, "src %q: standard input is read at %s already", Stdin, first.Common().Pos)
		case d.stdin:
			d.errorf(pos, "src %q: standard input holds the manifest", Stdin)
		default:
			first = c
		}
	}
}

func (t *Tar) check(root RootType) error {
	var dst error
	if t.Dst != "" {
		dst = t.checkDst(true)
	}
	return errors.Join(dst, checkSource("tar", t.Src), t.SrcXattrs.check(root), checkGlobs("exclude", t.Exclude, parseExclude))
}
