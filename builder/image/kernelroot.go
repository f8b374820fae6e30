package image

import (
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// kernelRoot is the root after each entry, for images whose entries meet: what the kernel
// drops, replaces and links depends on what is there already (do_name, do_symlink and
// clean_path in init/initramfs.c). Names resolve through the links of the image.
type kernelRoot struct {
	nodes  map[string]*node // by place: the path without its first slash, and without links
	report func(*kind, Finding)
}

// node is a name in the root.
type node struct {
	*object
	entry    *Entry // that made it, or nil: a directory that the kernel has, or that was missing
	children int
}

// object is a file with all its names, a directory, or any other thing with a name.
type object struct {
	attributes cpio.Header
	link       string // target of a symbolic link
	content    int64  // number of the entry that a file's content comes with
}

func (o *object) kind() uint32 { return o.attributes.Mode & cpio.TypeMask }

// outcome is what the kernel makes of an entry.
type outcome struct {
	dropped bool
	place   string   // where it is
	parents []string // directories that were missing, the topmost first
}

// newKernelRoot returns the root of the kernel's own initramfs, which has a few entries
// (usr/default_cpio_list).
func newKernelRoot(report func(*kind, Finding)) *kernelRoot {
	t := &kernelRoot{nodes: map[string]*node{"": newDirectory()}, report: report}
	for _, place := range []string{"dev", "root"} {
		t.put(place, newDirectory())
	}
	return t
}

func newDirectory() *node {
	return &node{object: &object{attributes: cpio.Header{Mode: cpio.TypeDir | 0o755, Nlink: 2}}}
}

// add makes an entry, if the kernel does.
func (t *kernelRoot) add(e *Entry) outcome {
	var out outcome
	k := t.make(e, &out)
	if k != nil {
		out.dropped = true
		t.note(k, e)
	}
	return out
}

func (t *kernelRoot) note(k *kind, e *Entry) {
	t.report(k, Finding{Segment: e.Segment, Member: e.Member, Offset: e.begin, Path: e.Name})
}

// make returns why an entry is dropped, or nil.
func (t *kernelRoot) make(e *Entry, out *outcome) *kind {
	dir, base, slash := splitName(e.Name)
	isDir := e.Mode&cpio.TypeMask == cpio.TypeDir
	at, k := t.directory(dir, e, out)
	if k != nil {
		return k
	}
	out.place = below(at, base)
	old := t.nodes[out.place]
	if base == "" || base == "." || base == ".." || slash && old != nil && old.kind() == cpio.TypeLink {
		// The name is that of a directory, through a link if need be.
		if !isDir {
			return nameNoFile
		}
		if out.place, k = t.directory(e.Name, e, out); k != nil {
			return k
		}
		old = t.nodes[out.place]
	}
	if slash && !isDir {
		return nameNoFile
	}
	switch kind := e.Mode & cpio.TypeMask; kind {
	case cpio.TypeDir:
		return t.makeDirectory(e, out.place, old)
	case cpio.TypeFile:
		return t.makeFile(e, out.place, old)
	case cpio.TypeLink:
		if !t.remove(out.place, old) {
			return inTheWay
		}
		t.put(out.place, newNode(e))
	case cpio.TypeChar, cpio.TypeBlock, cpio.TypeFIFO, cpio.TypeSocket:
		return t.makeDevice(e, out.place, old)
	default:
		t.remove(out.place, old)
		return typeUnknown
	}
	return nil
}

func newNode(e *Entry) *node {
	return &node{entry: e, object: &object{attributes: e.Header, link: e.Link, content: e.number}}
}

func (t *kernelRoot) makeDirectory(e *Entry, place string, old *node) *kind {
	if old == nil || old.kind() != cpio.TypeDir {
		t.remove(place, old)
		t.put(place, newNode(e))
		return nil
	}
	h := e.Header
	if old.entry != nil {
		h.MTime = old.attributes.MTime // times are set last to first
	}
	old.entry, old.attributes = e, h
	return nil
}

func (t *kernelRoot) makeFile(e *Entry, place string, old *node) *kind {
	switch {
	case old != nil && old.kind() != cpio.TypeFile && !t.remove(place, old):
		return inTheWay
	case e.HardLinkOf != "":
		return t.makeLink(e, place)
	case t.nodes[place] != nil: // the same file gets another content
		t.note(overwritten, old.entry)
		old.entry, old.attributes, old.content = e, e.Header, e.number
	default:
		t.put(place, newNode(e))
	}
	return nil
}

// makeLink makes a further name of a file. It gives the file its attributes, and its
// content if it has one.
func (t *kernelRoot) makeLink(e *Entry, place string) *kind {
	if !t.remove(place, t.nodes[place]) {
		return inTheWay
	}
	first := t.named(e.HardLinkOf)
	if first == nil || first.kind() != e.Mode&cpio.TypeMask {
		return linkGone
	}
	t.put(place, &node{object: first.object, entry: e})
	if e.Mode&cpio.TypeMask != cpio.TypeFile {
		return nil // the kernel leaves devices as they are
	}
	was := &first.attributes
	if was.Mode != e.Mode || was.UID != e.UID || was.GID != e.GID || was.MTime != e.MTime {
		t.note(linkDiffers, e)
	}
	size := was.Size
	if e.Size > 0 {
		size, first.content = e.Size, e.number
	}
	first.attributes = e.Header
	first.attributes.Size = size
	return nil
}

func (t *kernelRoot) makeDevice(e *Entry, place string, old *node) *kind {
	switch {
	case old != nil && old.kind() != e.Mode&cpio.TypeMask && !t.remove(place, old):
		return inTheWay
	case e.HardLinkOf != "":
		return t.makeLink(e, place)
	case t.nodes[place] == nil:
		t.put(place, newNode(e))
		return nil
	}
	h := e.Header
	h.RdevMajor, h.RdevMinor = old.attributes.RdevMajor, old.attributes.RdevMinor
	if h != e.Header {
		t.note(numberStays, e)
	} else {
		t.note(overwritten, old.entry)
	}
	old.entry, old.attributes = e, h
	return nil
}

func (t *kernelRoot) put(place string, n *node) {
	t.nodes[place] = n
	t.nodes[parentOf(place)].children++
}

// remove removes what is at a place, if there is something. A directory must be empty,
// or it stays.
func (t *kernelRoot) remove(place string, old *node) bool {
	if old == nil {
		return true
	}
	if old.children > 0 || place == "" {
		return false
	}
	if old.entry != nil {
		t.note(overwritten, old.entry)
	}
	delete(t.nodes, place)
	t.nodes[parentOf(place)].children--
	return true
}

// named returns what has a name, which may itself be a link, or nil.
func (t *kernelRoot) named(name string) *node {
	dir, base, _ := splitName(name)
	at, k := t.directory(dir, nil, nil)
	if k != nil {
		return nil
	}
	return t.nodes[below(at, base)]
}

const maxLinks = 40 // that are followed for one name, as in the kernel

// directory returns the place of a directory, or why there is none. One that is missing
// is made for an entry in it, if there is such.
func (t *kernelRoot) directory(name string, e *Entry, out *outcome) (string, *kind) {
	if n := t.nodes[name]; n != nil && n.kind() == cpio.TypeDir {
		return name, nil
	}
	at, links := "", 0
	for left := name; left != ""; {
		var part string
		part, left, _ = strings.Cut(left, "/")
		switch part {
		case "", ".":
			continue
		case "..":
			at = parentOf(at)
			continue
		}
		next := below(at, part)
		n := t.nodes[next]
		switch {
		case n == nil && out == nil:
			return "", parentGone
		case n == nil:
			if out.parents == nil {
				t.note(parentGone, e)
			}
			out.parents = append(out.parents, next)
			t.put(next, newDirectory())
		case n.kind() == cpio.TypeLink:
			if links++; links > maxLinks {
				return "", parentLoop
			}
			if strings.HasPrefix(n.link, "/") {
				at = ""
			}
			left = n.link + "/" + left
			continue
		case n.kind() != cpio.TypeDir:
			return "", parentFile
		}
		at = next
	}
	return at, nil
}

// splitName returns the directory of a name, its last part, and whether slashes follow.
func splitName(name string) (dir, base string, slash bool) {
	base = strings.TrimRight(name, "/")
	slash = len(base) < len(name)
	if i := strings.LastIndexByte(base, '/'); i >= 0 {
		dir, base = base[:i], base[i+1:]
	}
	return dir, base, slash
}

func below(dir, base string) string {
	if dir == "" {
		return base
	}
	return dir + "/" + base
}

func parentOf(place string) string {
	return place[:max(strings.LastIndexByte(place, '/'), 0)]
}
