package manifests

import (
	"errors"
	"regexp"
	"strings"
)

// OCI is the root of a container's image: of an OCI image layout, or of what docker save
// writes. Its top becomes Dst.
type OCI struct {
	Item                // Dst "" is "/"
	Src       string    // host path, joined with its directory, of a directory, a tarball or a FIFO; or [Stdin]
	Ref       string    // a name or the digest of the image; "" if there is only one
	Platform  Platform  // zero: the platform of the manifest's architecture
	SrcXattrs XattrRule // the extended attributes of the layers
	Exclude   []Glob    // relative to the root, without a slash in front; a directory is left out with everything in it
	Optional  bool      // a missing source is not an error
}

// Platform is the machine that an image is for, in OCI's words: Go's, and the version of the
// instruction set.
type Platform struct {
	OS, Arch, Variant string
}

var ociKeys = []Key{
	{Name: "src", Kind: KindHostPath, Required: true,
		Doc: "A container's image: an OCI image layout or the output of `docker save`, as a directory or a tarball; a FIFO with such a tarball; `-` is standard input."},
	{Name: "ref", Kind: KindText, Otherwise: "the only image", Doc: "Which image of several: one of its names, or its digest."},
	{Name: "platform", Kind: KindText, Otherwise: "the one of `arch`", Doc: "Which platform of several, as in `linux/arm64` or `linux/arm/v7`."},
	{Name: "dst", Kind: KindPath, Default: "/", Doc: "The directory for the root of the image."},
	excludeKey,
	sourceXattrsKey,
	replaceKey,
	optionalKey,
	libsKey,
	sysrootKey,
}

func (*OCI) Type() string { return "oci" }

// Stream returns the source of the image: a host path, or [Stdin].
func (c *OCI) Stream() string { return c.Src }

func readOCI(o *object) Content {
	c := &OCI{Item: o.item(), Src: o.stream(), SrcXattrs: o.xattrRule()}
	set(o, "ref", &c.Ref, parseWord)
	set(o, "platform", &c.Platform, parsePlatform)
	c.Dst = o.dst().path
	c.Exclude = o.globs("exclude", parseExclude)
	c.Libs = o.libs(false)
	set(o, "optional", &c.Optional, parseBool)
	return c
}

func (c *OCI) check(root RootType) error {
	var dst, platform error
	if c.Dst != "" {
		dst = c.checkDst(true)
	}
	if c.Platform != (Platform{}) {
		platform = checkText("platform", c.Platform.String(), parsePlatform)
	}
	return errors.Join(dst, checkSource("oci", c.Src), platform, c.SrcXattrs.check(root), checkGlobs("exclude", c.Exclude, parseExclude))
}

// String returns p as a manifest has it.
func (p Platform) String() string {
	return strings.TrimSuffix(p.OS+"/"+p.Arch+"/"+p.Variant, "/")
}

var platformWord = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// parsePlatform reads OS/ARCH or OS/ARCH/VARIANT.
func parsePlatform(text string) (Platform, error) {
	words := strings.Split(text, "/")
	for _, word := range words {
		if !platformWord.MatchString(word) {
			words = nil
		}
	}
	switch {
	case len(words) != 2 && len(words) != 3:
		return Platform{}, errors.New("want linux/ARCH or linux/ARCH/VARIANT, as in linux/arm64 or linux/arm/v7")
	case words[0] != "linux":
		return Platform{}, errors.New("only Linux boots an initramfs: want linux/ARCH, as in linux/arm64")
	case len(words) == 2:
		words = append(words, "")
	}
	return Platform{words[0], words[1], words[2]}, nil
}
