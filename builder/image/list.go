package image

import (
	"cmp"
	"io"
	"slices"
	"strings"
)

// List returns the entries of the root of the image r, by path:
//
//   - of an image whose payload has members, those of the members;
//   - of any other, those of all segments without /.mkinitfs. If there is a boot
//     plan, /init is the stub and not of the root, and the root's own, kept as
//     /.mkinitfs/init until the stub puts it back, is listed where it belongs.
//
// They have the state in which the kernel or the stub leaves them: names lead through the
// links of the image, later entries replace earlier ones, and all names of a file have its
// size. The findings of Info name what that drops or changes. For an image that cannot be read
// to its end, List returns what was read and the error.
func List(r io.Reader) ([]Entry, *Info, error) {
	w := &walker{info: &Info{}}
	listed, _, err := w.root(r)
	entries := w.settle(listed)
	w.attribute(entries)
	return entries, w.info, err
}

// attribute gives settled entries their extended attributes.
func (w *walker) attribute(entries []Entry) {
	if w.info.Xattrs == nil {
		return
	}
	p := w.info.plan()
	for i := range entries {
		first := entries[i].File()
		entries[i].Xattrs = w.info.Xattrs.Of(cmp.Or(putBack(p, first), first))
	}
}

// root walks the image. It returns the entries of the root, and those that only serve the
// boot, without members. Both are in the order of the image.
func (w *walker) root(r io.Reader) (root, boot []Entry, err error) {
	var entries []Entry
	nested := false
	visit := w.visit
	w.visit = func(e *Entry, body io.Reader) error {
		nested = nested || e.Member != ""
		if len(entries) == cap(entries) {
			entries = slices.Grow(entries, len(entries)+8192) // append would copy more often
		}
		entries = append(entries, *e)
		if visit != nil {
			return visit(e, body)
		}
		return nil
	}
	err = w.image(r)
	p := w.info.plan()
	named := p != nil && len(p.Rdinit) > 0
	once := storedOnce(p)
	root = entries[:0]
	for _, e := range entries {
		if e.Member != "" || !nested && !named && e.HardLinkOf == "" && !strings.Contains(e.Name, "init") { // no other name of ours lacks that
			root = append(root, e)
			continue
		}
		at, ok := inRoot(p, &e)
		switch {
		case nested && memberName(&e) != "":
		case nested && once[e.Path()]:
			root = append(root, e)
		case nested, !ok:
			boot = append(boot, e)
		default:
			putAt(p, &e, at)
			root = append(root, e)
		}
	}
	return root, boot, err
}
