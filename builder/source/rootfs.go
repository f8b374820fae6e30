package source

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/follow"
)

// rootfs is the root that the layers of an image make. Each member is applied to what the
// members before it have made, as umoci and container runtimes do when they unpack layers onto a
// disk (https://github.com/opencontainers/image-spec/blob/main/layer.md). Links on the way to a
// member lead to places within the root.
type rootfs struct {
	*job
	number  int32 // becomes [plan.Entry.Source]
	top     *node
	layer   int32            // number of the layer that is being applied, from 1
	gone    map[string]*node // by path: removed by whiteouts of this layer
	members int
	made    int   // directories without a member
	outside tally // names with ".."
}

// node is a name in the root.
type node struct {
	file     *tarMember       // the same one for all names of a file
	children map[string]*node // of a directory
	layer    int32            // the last layer that has brought it, or something below it
	cleared  int32            // the last layer that has removed everything below it from lower layers
}

func newRootfs(j *job, number int32) *rootfs {
	r := &rootfs{job: j, number: number}
	r.top = r.directory(nil)
	return r
}

// begin begins a layer.
func (r *rootfs) begin() {
	r.layer++
	r.gone = map[string]*node{}
}

// directory returns a directory in up without a member of its own. The kernel hands the group of
// a set-group-ID directory down (inode_init_owner in fs/inode.c). up may be nil.
func (r *rootfs) directory(up *node) *node {
	e := r.entry("", plan.TypeDir|0o755)
	e.Source, e.Brought, e.Implied, e.MTime = r.number, true, true, r.Clock.Epoch
	if up != nil && up.file.Mode&syscall.S_ISGID != 0 {
		e.Mode, e.GID = e.Mode|syscall.S_ISGID, up.file.GID
	}
	return &node{file: &tarMember{Entry: e}, layer: r.layer}
}

// add applies a member.
func (r *rootfs) add(m *tarMember) error {
	r.members++
	h := m.header
	m.header = nil // it takes more memory than the rest
	if hasUp(h.Name) || m.HardLink && hasUp(h.Linkname) {
		r.outside.add(h.Name)
	}
	name := path.Clean("/" + h.Name)
	if name == "/" {
		if !m.IsDir() || m.HardLink {
			return errors.New("the root is a directory, and cannot become something else")
		}
		r.top.file = m
		return nil
	}
	dir, err := r.resolve(path.Dir(name))
	if err != nil {
		return err
	}
	base := path.Base(name)
	if m.IsFile() && strings.HasPrefix(base, markPrefix) {
		return r.whiteout(dir, base)
	}
	if m.HardLink {
		return r.link(dir, base, path.Clean("/"+h.Linkname))
	}
	return r.put(dir, base, m)
}

func hasUp(name string) bool { return slices.Contains(strings.Split(name, "/"), "..") }

// put makes m the file called base in dir. Only a directory does not replace a directory.
func (r *rootfs) put(dir, base string, m *tarMember) error {
	d, err := r.makeAll(dir)
	if err != nil {
		return err
	}
	n := d.children[base]
	if n == nil || !n.file.IsDir() || !m.IsDir() {
		n = &node{}
	}
	n.file, n.layer = m, r.layer
	d.set(base, n)
	return nil
}

// link makes base in dir another name of the file at target.
func (r *rootfs) link(dir, base, target string) error {
	d, err := r.makeAll(dir)
	if err != nil {
		return err
	}
	delete(d.children, base)
	up, err := r.resolve(path.Dir(target))
	if err != nil {
		return fmt.Errorf("hard link to %.100q: %w", target, err)
	}
	place := path.Join(up, path.Base(target))
	n := r.at(place)
	if n == nil {
		n = r.removed(place)
	}
	switch {
	case n == nil:
		return fmt.Errorf("hard link to %.100q, which no layer has up to here", target)
	case n.file.IsDir():
		return fmt.Errorf("hard link to %.100q: a directory has one name only", target)
	}
	d.set(base, &node{file: n.file, layer: r.layer})
	return nil
}

// whiteout removes what the mark base in dir hides of lower layers.
func (r *rootfs) whiteout(dir, base string) error {
	d := r.at(dir)
	if base == opaqueName {
		if d != nil {
			r.clear(d, dir)
		}
		return nil
	}
	hidden := strings.TrimPrefix(base, markPrefix)
	if hidden == "" || hidden == "." || hidden == ".." {
		return errors.New("a whiteout of nothing that could be there")
	}
	if d != nil {
		r.hide(d, dir, hidden)
	}
	return nil
}

// hide removes what lower layers have at base in dir.
func (r *rootfs) hide(d *node, dir, base string) {
	n, place := d.children[base], path.Join(dir, base)
	switch {
	case n == nil:
	case n.layer == r.layer:
		r.clear(n, place)
	default:
		r.gone[place] = n
		delete(d.children, base)
	}
}

// clear removes what lower layers have below d.
func (r *rootfs) clear(d *node, dir string) {
	if d.cleared == r.layer {
		return
	}
	d.cleared = r.layer
	for base := range d.children {
		r.hide(d, dir, base)
	}
}

// removed returns the node that was at place before a whiteout of this layer: a hard link may
// keep a file that its layer removes.
func (r *rootfs) removed(place string) *node {
	for up := place; up != "/"; up = path.Dir(up) {
		if n := r.gone[up]; n != nil {
			return n.find(place[len(up):])
		}
	}
	return nil
}

// at returns the node at a resolved path, or nil.
func (r *rootfs) at(place string) *node { return r.top.find(place) }

// find returns the node at a path below n, or nil.
func (n *node) find(name string) *node {
	for part := range strings.SplitSeq(strings.Trim(name, "/"), "/") {
		if part != "" && n != nil {
			n = n.children[part]
		}
	}
	return n
}

func (n *node) set(base string, child *node) {
	if n.children == nil {
		n.children = map[string]*node{}
	}
	n.children[base] = child
}

// resolve returns the place that a directory is at, with all links followed. Nothing has to be
// there.
func (r *rootfs) resolve(dir string) (string, error) {
	last, lastPlace := r.top, "/" // the node found last, as the walk goes on from there
	place, err := follow.Walk(dir, func(place string, _ bool) (string, bool, error) {
		n := last
		if path.Dir(place) == lastPlace {
			n = n.find(path.Base(place))
		} else {
			n = r.at(place)
		}
		if n != nil && n.file.IsLink() {
			return n.file.Target, true, nil
		}
		last, lastPlace = n, place
		return "", false, nil
	})
	switch {
	case err != nil:
		return "", fmt.Errorf("%.100q: %w", dir, err)
	case len(place) >= cpio.PathMax:
		return "", fmt.Errorf("%.100q: %w", dir, syscall.ENAMETOOLONG)
	}
	return place, nil
}

// makeAll returns the directory at a resolved path, and makes what is missing of it.
func (r *rootfs) makeAll(dir string) (*node, error) {
	n := r.top
	n.layer = r.layer
	for part := range strings.SplitSeq(dir[1:], "/") {
		if part == "" {
			continue
		}
		next := n.children[part]
		switch {
		case next == nil:
			if r.made++; r.made > missingMost+missingShare*r.members {
				return nil, fmt.Errorf("%d directories are missing up to here, more than any root has", r.made)
			}
			next = r.directory(n)
			n.set(part, next)
		case !next.file.IsDir():
			return nil, fmt.Errorf("%.100q: %w", dir, syscall.ENOTDIR)
		}
		next.layer = r.layer
		n = next
	}
	return n, nil
}

// Directories that may be missing for so many members, as in a plan.
const (
	missingMost  = 64 << 10
	missingShare = 4
)
