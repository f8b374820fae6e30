// Package layout decides which segment and member of an image holds which entry. It reads and
// writes no files and does not change the plan.
//
// An image is a run of segments. For root type tmpfs there are a boot segment, with the stub
// and the boot plan, and a payload segment, whose files /.mkinitfs/root.NNNN are the members:
// the root, cut into archives. Files that the manifest's boot names are not in the members, but
// in a segment of their own behind the payload. For bind there are the boot segment and then
// the root, with one segment for each member. For none there is only the root.
package layout

import (
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// Types of roots, as in a manifest and in [bootplan.Plan.Root].
const (
	Tmpfs = "tmpfs"
	Bind  = "bind"
	None  = "none"
)

// Options are the inputs of a layout beside the plan of the root.
type Options struct {
	Type   string        // Tmpfs, Bind or None
	Small  bool          // smaller members, for a 32-bit machine
	MTime  int64         // of entries that this package adds, in seconds since the epoch
	Boot   []plan.Glob   // root paths that Tmpfs copies into the boot segment, and other types put first
	Rdinit []Name        // names of the stub beside /init
	Stub   bootplan.Plan // boot plan without the fields that follow from the root

	// RawMembers means that the members themselves are not compressed.
	RawMembers bool

	// Window returns the bytes that a decoder takes for a member of a size. It may depend on
	// the packed members, so it is called when the boot plan is made.
	Window func(unpacked int64) int64

	Warn func(text string) // called with likely mistakes; may be nil
}

// Name is a path of the root that the manifest names.
type Name struct {
	Origin string // place in the manifest: "root.yaml:3:14"
	Path   string // absolute and clean
}

// Layout is an image whose contents have not been read.
type Layout struct {
	Type    string   // Tmpfs, Bind or None
	Members []Member // the root, in the order of the image
	Once    *Member  // files of a tmpfs root that are in no member, behind the payload; nil for none

	options Options
	entries []*plan.Entry
	boot    bootplan.Plan // without members
	copies  []*plan.Entry // entries of the root that the boot segment holds too
	links   []*plan.Entry // links to the stub in the boot segment
}

// Item is an entry of the root or of the boot segment, with its place in the image.
type Item struct {
	Name  string // as cpio has it: without the leading slash; "." is the root
	Entry *plan.Entry
	Empty bool // a later name in the archive carries the content of the file
}

// Make lays out the root with these entries, a finished plan. An error has a place in the
// manifest, and is of type [plan.Errors].
func Make(entries []*plan.Entry, o Options) (*Layout, error) {
	l := &Layout{Type: o.Type, options: o, entries: entries}
	named, err := name(entries, o)
	if err != nil {
		return nil, err
	}
	if o.Type == Tmpfs {
		l.copies = named
		if o.Stub.Extra == "merge" {
			l.copies = withPlaces(named, entries)
		}
	}
	names, err := nameStub(entries, l.copies, o)
	if err != nil {
		return nil, err
	}
	items := itemsOf(entries)
	if o.Type == Bind {
		items = hideInit(names.bind(items, o.MTime))
	} else {
		l.links = names.links
	}
	if o.Type == Tmpfs {
		var once []Item
		items, once = storeOnce(items, named, l.links)
		l.Once = endOnce(once, o.MTime)
	} else { // the root is there from the start
		items = namedFirst(items, named)
	}
	l.Members = cut(items, memberSize(o.Small, plan.Unpacked(entries)))
	if o.Type == Bind {
		endMembers(l.Members, o.MTime)
	}
	l.boot = l.bootPlan(names.rdinit())
	warnTight(&l.boot, o)
	if o.Type == Tmpfs && o.RawMembers {
		return l, checkRaw(l.Members)
	}
	return l, nil
}

// Archives returns all archives of the root: its members, and the archive of files that are in
// no member.
func (l *Layout) Archives() []Member {
	if l.Once == nil {
		return l.Members
	}
	return append(slices.Clip(l.Members), *l.Once)
}

// itemsOf returns entries at their own paths. The last name of a file carries the content, as
// GNU cpio and the kernel's gen_init_cpio write it. If the first name carries it, 7-Zip leaves
// the other names empty. The names of a file must keep their order from here on.
func itemsOf(entries []*plan.Entry) []Item {
	items := make([]Item, len(entries))
	carried := map[*plan.Entry]bool{} // files with several names
	for i, e := range slices.Backward(entries) {
		items[i] = itemOf(e)
		if e.IsFile() && e.Nlink > 1 {
			file := e.File()
			items[i].Empty, carried[file] = carried[file], true
		}
	}
	return items
}

func itemOf(e *plan.Entry) Item {
	if e.Path == "/" {
		return Item{Name: ".", Entry: e}
	}
	return Item{Name: e.Path[1:], Entry: e}
}

// path returns the item's path in the image.
func (it Item) path() string {
	if it.Name == "." {
		return "/"
	}
	return "/" + it.Name
}

// BodySize returns the bytes behind the item's header.
func (it Item) BodySize() int64 {
	switch e := it.Entry; {
	case it.Empty:
		return 0
	case e.IsLink():
		return int64(len(e.Target))
	default:
		return e.Size
	}
}

// hideInit moves a bound root's own /init to /.mkinitfs. The stub puts it back.
func hideInit(items []Item) []Item {
	for i := range items {
		if items[i].Name == "init" {
			items[i].Name = bootplan.Init
		}
	}
	return items
}

// ArchiveSize returns the bytes of an archive of items.
func ArchiveSize(items []Item) int64 {
	var size int64 = cpio.TrailerSize
	for _, it := range items {
		size += cpio.EntrySize(it.Name, it.BodySize())
	}
	return size
}
