package source

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// Tree puts a folder of the host with all that is in it at Dst.
type Tree struct {
	Item
	Attr                 // Mode is for folders, too: they get x wherever it has r
	DirMode  *uint32     // of folders, instead of Mode
	Norm     bool        // modes 0755 for folders and what its owner may execute, else 0644
	Src      string      // a folder, or a symbolic link to one
	Exclude  []plan.Glob // relative to Src; an excluded folder is not entered
	Follow   bool        // take what symbolic links lead to, not the links
	Optional bool        // no such folder is fine
}

// Entries walks the tree. Folders are implied, so that others can say what they
// are like. Hard links within the tree stay hard links. An error is of type
// [plan.Errors], or ctx's.
func (t Tree) Entries(ctx context.Context, clock Clock) ([]plan.Entry, error) {
	info, err := os.Stat(t.Src)
	switch {
	case t.Optional && errors.Is(err, fs.ErrNotExist):
		t.inputAbove(t.Src)
		return nil, nil
	case err != nil:
		return nil, plan.Errors{t.fail(t.Src, err, "")}
	case !info.IsDir():
		return nil, plan.Errors{t.fail(t.Src, errors.New("not a folder"), "type: file takes single files")}
	}
	w := &walk{
		Tree: t, ctx: ctx, clock: clock,
		excludes: newExcludes(t.Exclude), names: map[inode]string{},
	}
	w.add("", info, false)
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if len(w.problems) == 0 {
		w.problems = w.excludes.unused()
	}
	return w.entries, w.problems.Sorted()
}

// walk is a tree being walked.
type walk struct {
	Tree
	ctx      context.Context
	clock    Clock
	excludes *excludes
	names    map[inode]string // of files with several names: the first in the image
	above    []inode          // the folders that we are in, when links are followed
	entries  []plan.Entry
	problems plan.Errors
}

type inode struct{ dev, ino uint64 }

// add adds the file at name, relative to the top. A file below a folder that is
// closed to others is private whatever its own mode.
func (w *walk) add(name string, info fs.FileInfo, private bool) {
	src, dst := w.Src+name, w.Dst+name
	if w.Dst == "/" && name != "" {
		dst = name
	}
	e := w.entry(dst, mode(info))
	w.Attr.set(&e, info, w.clock)
	w.setMode(&e)
	stat := info.Sys().(*syscall.Stat_t)
	id := inode{uint64(stat.Dev), uint64(stat.Ino)}
	if stat.Nlink > 1 && !e.IsDir() {
		if first, ok := w.names[id]; ok {
			e.HardLink, e.Target = true, first
			w.entries = append(w.entries, e)
			return
		}
		w.names[id] = dst
	}
	if err := w.keepXattrs(&e, src, w.Follow); err != nil {
		w.problems = append(w.problems, w.fail(src, err, ""))
		return
	}
	var err error
	switch e.Mode & plan.TypeMask {
	case plan.TypeDir:
		e.Implied = true
		w.entries = append(w.entries, e)
		w.addFolder(name, id, private || info.Mode().Perm()&0o001 == 0)
		return
	case plan.TypeFile:
		w.input(src)
		e.Size, e.Data = info.Size(), plan.Data{Path: src, Stamp: stamp(info)}
		e.Private = private || info.Mode().Perm()&0o004 == 0
		err = readable(src, info)
	case plan.TypeLink:
		e.Target, err = os.Readlink(src)
	case plan.TypeChar, plan.TypeBlock:
		e.Major, e.Minor = unix.Major(uint64(stat.Rdev)), unix.Minor(uint64(stat.Rdev))
	}
	if err != nil {
		w.problems = append(w.problems, w.fail(src, err, ""))
		return
	}
	w.entries = append(w.entries, e)
}

// addFolder adds what is in the folder at name.
func (w *walk) addFolder(name string, id inode, private bool) {
	if w.ctx.Err() != nil {
		return
	}
	for _, up := range w.above {
		if w.Follow && up == id {
			w.problems = append(w.problems, w.fail(w.Src+name, errors.New("a symbolic link that leads back to a folder above it"), ""))
			return
		}
	}
	w.above = append(w.above, id)
	defer func() { w.above = w.above[:len(w.above)-1] }()

	w.input(w.Src + name)
	list, err := os.ReadDir(w.Src + name)
	if err != nil {
		w.problems = append(w.problems, w.fail(w.Src+name, err, ""))
	}
	for _, d := range list {
		child := name + "/" + d.Name()
		if w.excludes.match(child[1:]) {
			continue
		}
		stat := os.Lstat
		if w.Follow {
			stat = os.Stat
		}
		info, err := stat(w.Src + child)
		if err != nil {
			w.problems = append(w.problems, w.fail(w.Src+child, err, ""))
			continue
		}
		w.add(child, info, private)
	}
}

// setMode changes e's permission bits to what was asked for.
func (t *Tree) setMode(e *plan.Entry) {
	bits := e.Mode & 0o7777
	switch {
	case e.IsLink():
		bits = 0o777
	case e.IsDir() && t.DirMode != nil:
		bits = *t.DirMode
	case e.IsDir() && t.Mode != nil:
		bits = *t.Mode | *t.Mode&0o444>>2
	case t.Mode != nil:
		bits = *t.Mode
	case t.Norm && (e.IsDir() || e.IsFile() && bits&0o100 != 0):
		bits = 0o755
	case t.Norm && e.IsFile():
		bits = 0o644
	}
	e.Mode = e.Mode&plan.TypeMask | bits
}
