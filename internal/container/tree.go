//go:build linux

package container

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/builder/stub/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/stub/unpack"
)

// tree is the root as it grows at /. It ends as [image.List] shows it: what the
// members hold, if there are members, else everything, without what is the stub's.
type tree struct {
	uids, gids idMap
	exact      bool // device nodes can be made
	bound      map[device]string

	plan   *bootplan.Plan // nil if the image has none
	nested bool           // the root comes in members
	unset  []error        // extended attributes that cannot be set
	growth
}

// growth is what has been unpacked so far.
type growth struct {
	root     *unpack.Root
	links    unpack.Links
	inodes   map[string]uint32 // of the first names of files, as stored
	again    []cpio.Header     // folders that were there already
	lent     []node            // empty files, which the host's nodes are to be bound to
	squashed int               // entries whose owners there are no ids for
	skipped  int               // device nodes that cannot be made
}

// unpack unpacks an image into /, which is empty.
func (t *tree) unpack(ctx context.Context, in io.Reader) error {
	top, err := os.Open("/")
	if err != nil {
		return err
	}
	defer top.Close()
	fd := int(top.Fd())
	t.grow(fd)
	info, err := image.Walk(in, func(e *image.Entry, body io.Reader) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.Member != "" && !t.nested {
			// All so far was for the stub.
			t.nested = true
			if err := empty("/"); err != nil {
				return err
			}
			t.grow(fd)
		}
		return t.entry(e, body)
	})
	if err != nil {
		return err
	}
	if err := t.root.Finish(); err != nil {
		return err
	}
	for _, h := range t.again {
		if err := setFolder(&h); err != nil {
			return err
		}
	}
	t.setXattrs(info.Xattrs)
	return nil
}

// setXattrs sets extended attributes, by path and name, as far as the user may and
// this kernel's tmpfs takes them.
func (t *tree) setXattrs(xattrs map[string]map[string]string) {
	for _, path := range slices.Sorted(maps.Keys(xattrs)) {
		for _, name := range slices.Sorted(maps.Keys(xattrs[path])) {
			if err := unpack.SetXattr(path, name, xattrs[path][name]); err != nil {
				t.unset = append(t.unset, fmt.Errorf("%s of %s: %w", name, path, err))
			}
		}
	}
}

func (t *tree) grow(fd int) {
	t.growth = growth{root: unpack.NewRoot(fd), links: unpack.Links{}, inodes: map[string]uint32{}}
}

// entry decides what is of the root.
func (t *tree) entry(e *image.Entry, body io.Reader) error {
	path := e.Path()
	switch {
	case e.Member != "":
	case path == "/"+bootplan.Path:
		return t.readPlan(body)
	case t.nested:
		return nil
	case path == "/"+bootplan.Init && t.plan != nil:
		path = "/init"
	case path == "/init" && t.plan != nil:
		return nil
	case path == "/"+bootplan.Dir || strings.HasPrefix(path, "/"+bootplan.Dir+"/"):
		return nil
	}
	h := e.Header
	h.Name = strings.TrimPrefix(path, "/")
	if h.Name == "" {
		h.Name = "."
	}
	h.Ino, h.DevMajor, h.DevMinor = t.inode(e), 0, 0
	return t.add(&h, body)
}

// readPlan takes the size of the root from the plan.
func (t *tree) readPlan(body io.Reader) error {
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if t.plan, err = bootplan.Parse(text); err != nil {
		return fmt.Errorf("%s: %w", bootplan.Path, err)
	}
	var options []string
	if t.plan.Size != "" {
		options = append(options, "size="+t.plan.Size)
	}
	if t.plan.Inodes > 0 {
		options = append(options, "nr_inodes="+strconv.FormatInt(t.plan.Inodes, 10))
	}
	if options == nil {
		return nil
	}
	if err := unix.Mount("", "/", "", unix.MS_REMOUNT, strings.Join(options, ",")); err != nil {
		return fmt.Errorf("set %s of the root: %w", strings.Join(options, ","), err)
	}
	return nil
}

// inode numbers files anew, because two archives may use one number.
func (t *tree) inode(e *image.Entry) uint32 {
	first := e.HardLinkOf
	if first == "" {
		first = e.Name
	}
	ino, known := t.inodes[first]
	if e.HardLinkOf == "" || !known {
		ino = uint32(len(t.inodes) + 1)
		t.inodes[first] = ino
	}
	return ino
}

// add unpacks an entry, as far as the user may have it.
func (t *tree) add(h *cpio.Header, body io.Reader) error {
	if !t.uids.has(h.UID) || !t.gids.has(h.GID) {
		t.squashed++
		if !t.uids.has(h.UID) {
			h.UID = 0
		}
		if !t.gids.has(h.GID) {
			h.GID = 0
		}
	}
	if kind := h.Mode & cpio.TypeMask; kind == cpio.TypeChar || kind == cpio.TypeBlock {
		source, ok := t.bound[device{h.RdevMajor, h.RdevMinor}]
		switch {
		case ok && kind == cpio.TypeChar:
			t.lent = append(t.lent, node{path: "/" + h.Name, source: source})
			h.Mode = h.Mode&^cpio.TypeMask | cpio.TypeFile
		case !t.exact:
			t.skipped++
			return nil
		}
	}
	if again, err := makeWay(h); again || err != nil {
		t.again = append(t.again, *h)
		return err
	}
	return t.root.Entry(h, content{body}, t.links)
}

// makeWay removes what an earlier archive left at a name. A folder stays for a
// folder, and is again there; else it must be empty.
func makeWay(h *cpio.Header) (again bool, err error) {
	path := "/" + h.Name
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case info.IsDir() && h.Mode&cpio.TypeMask == cpio.TypeDir:
		return true, nil
	}
	return false, os.Remove(path)
}

// setFolder gives a folder the attributes of the entry that came last.
func setFolder(h *cpio.Header) error {
	path := "/" + h.Name
	if err := os.Lchown(path, int(h.UID), int(h.GID)); err != nil {
		return err
	}
	if err := syscall.Chmod(path, h.Mode&0o7777); err != nil {
		return &fs.PathError{Op: "chmod", Path: path, Err: err}
	}
	mtime := time.Unix(h.MTime, 0)
	return os.Chtimes(path, mtime, mtime)
}

// empty removes what is in a folder.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(dir + e.Name()); err != nil {
			return err
		}
	}
	return nil
}

// content is a body that writes itself.
type content struct{ io.Reader }

func (c content) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, c.Reader) }
