package manifests

import "errors"

// Symlink is a symbolic link. Its mode is always 0777: Attr.Mode does nothing.
type Symlink struct {
	Item
	Attr
	Target string // as written
}

// Hardlink is another name of a file in the image.
type Hardlink struct {
	Item
	Target string // absolute and clean
}

var (
	symlinkKeys = []Key{
		dstKey,
		{Name: "target", Kind: KindLinkTarget, Required: true, Doc: "The path that the link points to."},
		ownerKey, mtimeKey, xattrsKey, replaceKey,
	}
	hardlinkKeys = []Key{
		dstKey,
		{Name: "target", Kind: KindPath, Required: true, Doc: "The file that gets this further name."},
		replaceKey,
	}
)

func (*Symlink) Type() string  { return "symlink" }
func (*Hardlink) Type() string { return "hardlink" }

func readSymlink(o *object) Content {
	s := &Symlink{Item: o.item(), Attr: o.owned()}
	s.Dst = o.dstOf("symlink")
	set(o, "target", &s.Target, parseTarget)
	return s
}

func readHardlink(o *object) Content {
	h := &Hardlink{Item: o.item()}
	h.Dst = o.dstOf("hardlink")
	if set(o, "target", &h.Target, parseNewPath) && h.Target == h.Dst {
		o.errorf(o.get("target").pos, "%s cannot be a hard link to itself", h.Dst)
	}
	return h
}

func (s *Symlink) check(root RootType) error {
	return errors.Join(s.checkDst(false), checkText("target", s.Target, parseTarget), s.Attr.check(root))
}

func (h *Hardlink) check(RootType) error {
	return errors.Join(h.checkDst(false), checkText("target", h.Target, parseNewPath))
}
