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
	var entries []Entry
	nested := false
	info, err := Walk(r, func(e *Entry, _ io.Reader) error {
		nested = nested || e.Member != ""
		entries = append(entries, *e)
		return nil
	})
	root := make(map[string]Entry)
	for _, e := range entries {
		switch at := e.Path(); {
		case nested && e.Member == "":
		case nested:
			root[at] = e
		case at == "/"+bootplan.Init && info.Plan != nil:
			e.Name = "init"
			root[e.Path()] = e
		case at == "/init" && info.Plan != nil:
		case at == "/"+bootplan.Dir || strings.HasPrefix(at, "/"+bootplan.Dir+"/"):
		default:
			root[at] = e
		}
	}
	entries = entries[:0]
	for _, e := range root {
		first := path.Clean("/" + cmp.Or(e.HardLinkOf, e.Name))
		if first == "/"+bootplan.Init {
			first = "/init"
		}
		e.Xattrs = info.Xattrs[first]
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Path(), b.Path()) })
	return entries, info, err
}
