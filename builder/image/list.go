package image

import (
	"cmp"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/stub/bootplan"
)

// List returns the entries of the root that the image r brings up, by path:
//
//   - of an image whose payload has members, those of the members;
//   - of any other, those of all segments without /.mkinitfs. If there is a boot
//     plan, /init is the stub and not of the root, and the root's own, kept as
//     /.mkinitfs/init until the stub puts it back, is listed where it belongs.
//
// Of the entries for one path the last counts, as when they are unpacked. For an
// image that cannot be read to its end, List returns what was read and the error.
func List(r io.Reader) ([]Entry, *Info, error) {
	w := &walker{info: &Info{}}
	listed, _, err := w.root(r)
	root := make(map[string]Entry)
	for _, e := range listed {
		root[e.Path()] = e
	}
	var entries []Entry
	for _, e := range root {
		first := path.Clean("/" + cmp.Or(e.HardLinkOf, e.Name))
		if first == "/"+bootplan.Init {
			first = "/init"
		}
		e.Xattrs = w.info.Xattrs[first]
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Path(), b.Path()) })
	return entries, w.info, err
}

// root walks the image and returns the entries of the root, and those that are there
// to bring it up, without members; both in the order of the image.
func (w *walker) root(r io.Reader) (root, boot []Entry, err error) {
	var entries []Entry
	nested := false
	w.visit = func(e *Entry, _ io.Reader) error {
		nested = nested || e.Member != ""
		entries = append(entries, *e)
		return nil
	}
	err = w.image(r)
	for _, e := range entries {
		switch at := e.Path(); {
		case e.Member != "":
			root = append(root, e)
		case nested && memberName(&e) != "":
		case !nested && at == "/"+bootplan.Init && w.info.Plan != nil:
			e.Name = "init"
			root = append(root, e)
		case nested, at == "/init" && w.info.Plan != nil,
			at == "/"+bootplan.Dir, strings.HasPrefix(at, "/"+bootplan.Dir+"/"):
			boot = append(boot, e)
		default:
			root = append(root, e)
		}
	}
	return root, boot, err
}
