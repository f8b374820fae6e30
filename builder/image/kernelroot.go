package image

import (
	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// kernelRoot is the root after each entry, for images in which several entries name the same
// place. For such an entry the kernel drops, replaces or links, depending on what is there
// already (do_name, do_symlink and clean_path in init/initramfs.c). Names resolve through the
// links of the image.
type kernelRoot struct {
	nodes  map[string]*node // by place: the path without its first slash, and without links
	times  map[string]int64 // of removed directories, by place: the kernel sets them last, on whatever is there
	report func(*rule, Finding)
	added  int64 // entries
	made   int64 // bytes that directories take which were missing
}

// node is a name in the root.
type node struct {
	*object
	entry    *Entry // that made it, or nil: a directory that the kernel has, or that was missing
	children int
}

// object is a file with all its names, a directory, or another file system object.
type object struct {
	cpio.Header        // with the attributes that it has now
	link        string // target of a symbolic link
	number      int64  // of the entry that made it
	content     int64  // number of the entry that a file's content comes with
}

// outcome is the effect of an entry in the kernel.
type outcome struct {
	dropped  bool
	place    string      // where it is
	header   cpio.Header // with the attributes that it has then
	file     int64       // the same for all names of a file
	rewrites bool        // the file at its place gets another content, under all its names
	changes  bool        // it is a further name that gives its file other attributes
	orphan   bool        // directories in its path were missing
	removed  []string    // places of what had to give way
	touched  bool        // it is dropped, but a directory at its place gets its owner or mode
}

// newKernelRoot returns the root of the kernel's own initramfs, which has a few entries
// (usr/default_cpio_list).
func newKernelRoot(report func(*rule, Finding)) *kernelRoot {
	t := &kernelRoot{nodes: map[string]*node{"": newDirectory()}, times: map[string]int64{}, report: report}
	for _, place := range []string{"dev", "root"} {
		t.put(place, newDirectory())
	}
	return t
}

func newDirectory() *node {
	return &node{object: &object{Header: cpio.Header{Mode: cpio.TypeDir | 0o755, Nlink: 2}}}
}

// add makes an entry unless the kernel drops it.
func (t *kernelRoot) add(e *Entry) outcome {
	var out outcome
	t.added++
	if why := t.make(e, &out); why != nil {
		out.dropped = true
		t.note(why, e)
	}
	if n := t.nodes[out.place]; n != nil {
		if mtime, ok := t.times[out.place]; ok {
			n.MTime = mtime
		}
		out.header, out.file = n.Header, n.number
	}
	return out
}

func (t *kernelRoot) note(r *rule, e *Entry) {
	t.report(r, Finding{Segment: e.Segment, Member: e.Member, Offset: e.begin, Path: e.Name})
}

// make makes an entry, or returns the reason why the kernel drops it.
func (t *kernelRoot) make(e *Entry, out *outcome) *rule {
	dir, base, slash := splitName(e.Name)
	isDir := e.Type() == cpio.TypeDir
	at, why := t.directory(dir, e, out)
	if why != nil {
		return why
	}
	out.place = below(at, base)
	old := t.nodes[out.place]
	if base == "" || base == "." || base == ".." || slash && old != nil && old.Type() == cpio.TypeLink {
		// The name is that of a directory, through a link if need be.
		if !isDir {
			t.touch(old, e, out)
			return nameNoFile
		}
		if out.place, why = t.directory(e.Name, e, out); why != nil {
			return why
		}
		old = t.nodes[out.place]
	}
	if slash && !isDir {
		if old != nil && old.Type() == cpio.TypeDir {
			t.remove(old, out) // the kernel does, where it is empty
		}
		return nameNoFile
	}
	switch e.Type() {
	case cpio.TypeDir:
		return t.makeDirectory(e, old, out)
	case cpio.TypeFile:
		return t.makeFile(e, old, out)
	case cpio.TypeLink:
		switch {
		case !t.remove(old, out):
			t.touch(old, e, out)
			return inTheWay
		case len(e.Link) >= cpio.PathMax:
			return targetLong
		}
		t.put(out.place, newNode(e))
	case cpio.TypeChar, cpio.TypeBlock, cpio.TypeFIFO, cpio.TypeSocket:
		return t.makeDevice(e, old, out)
	default:
		t.remove(old, out)
		return typeUnknown
	}
	return nil
}

func newNode(e *Entry) *node {
	return &node{entry: e, object: &object{Header: e.Header, link: e.Link, number: e.number, content: e.number}}
}

func (t *kernelRoot) makeDirectory(e *Entry, old *node, out *outcome) *rule {
	if old == nil || old.Type() != cpio.TypeDir {
		t.remove(old, out)
		t.put(out.place, newNode(e))
		return nil
	}
	h := e.Header
	if old.entry != nil {
		h.MTime = old.MTime // times are set last to first
	}
	old.entry, old.Header = e, h
	return nil
}

func (t *kernelRoot) makeFile(e *Entry, old *node, out *outcome) *rule {
	if old != nil && old.Type() != cpio.TypeFile {
		if !t.remove(old, out) {
			return inTheWay
		}
		old = nil
	}
	switch {
	case e.HardLinkOf != "":
		return t.makeLink(e, old, out)
	case old != nil: // the same file gets another content
		t.note(overwritten, old.entry)
		old.entry, old.Header, old.content = e, e.Header, e.number
		out.rewrites = true
	default:
		t.put(out.place, newNode(e))
	}
	return nil
}

// makeLink makes a further name of a file. It gives the file its attributes, and its
// content if it has one.
func (t *kernelRoot) makeLink(e *Entry, old *node, out *outcome) *rule {
	if !t.remove(old, out) {
		return inTheWay
	}
	first := t.named(e.HardLinkOf)
	if first == nil || first.Type() != e.Type() {
		return linkGone
	}
	t.put(out.place, &node{object: first.object, entry: e})
	if e.Type() != cpio.TypeFile {
		return nil // the kernel leaves devices as they are
	}
	was := &first.Header
	if was.Mode != e.Mode || was.UID != e.UID || was.GID != e.GID || was.MTime != e.MTime {
		t.note(linkDiffers, e)
		out.changes = true
	}
	size := was.Size
	if e.Size > 0 {
		size, first.content = e.Size, e.number
	}
	first.Header = e.Header
	first.Size = size
	return nil
}

func (t *kernelRoot) makeDevice(e *Entry, old *node, out *outcome) *rule {
	if old != nil && old.Type() != e.Type() {
		if !t.remove(old, out) {
			t.touch(old, e, out)
			return inTheWay
		}
		old = nil
	}
	switch {
	case e.HardLinkOf != "":
		return t.makeLink(e, old, out)
	case old == nil:
		t.put(out.place, newNode(e))
		return nil
	}
	h := e.Header
	h.RdevMajor, h.RdevMinor = old.RdevMajor, old.RdevMinor
	switch {
	case h != e.Header:
		t.note(numberStays, e)
	case old.entry != nil:
		t.note(overwritten, old.entry)
	}
	old.entry, old.Header = e, h
	return nil
}

// touch gives a directory the owner and mode of an entry that cannot replace it, because it is
// of another type. The kernel sets them without checking that it made the entry.
func (t *kernelRoot) touch(dir *node, e *Entry, out *outcome) {
	kind := e.Type()
	if dir == nil || kind == cpio.TypeFile {
		return
	}
	out.touched = true
	dir.UID, dir.GID = e.UID, e.GID
	if kind != cpio.TypeLink {
		dir.Mode = cpio.TypeDir | e.Mode&^cpio.TypeMask
	}
}

func (t *kernelRoot) put(place string, n *node) {
	t.nodes[place] = n
	t.nodes[parentOf(place)].children++
}

// remove removes what is at the place of an entry. A directory that is not empty stays.
func (t *kernelRoot) remove(old *node, out *outcome) bool {
	if old == nil {
		return true
	}
	if old.children > 0 || out.place == "" {
		return false
	}
	if old.entry != nil {
		t.note(overwritten, old.entry)
		if old.Type() == cpio.TypeDir {
			t.times[out.place] = old.MTime
		}
	}
	delete(t.nodes, out.place)
	t.nodes[parentOf(out.place)].children--
	out.removed = append(out.removed, out.place)
	return true
}
