package source

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// treeSource puts a directory of the host and its contents at Dst. Directories are implied, so
// that other items can set their attributes. Hard links within the tree stay hard links.
type treeSource struct{ *manifests.Tree }

func (t treeSource) Entries(ctx context.Context, env *Env) ([]*plan.Entry, error) {
	j := env.job(&t.Item)
	info := &unix.Stat_t{}
	err := lookAt(unix.AT_FDCWD, t.Src, true, info)
	switch {
	case t.Optional && err == unix.ENOENT:
		j.inputAbove(t.Src)
		return nil, nil
	case err != nil:
		return nil, plan.Errors{j.fail(t.Src, err, "")}
	case info.Mode&plan.TypeMask != plan.TypeDir:
		return nil, plan.Errors{j.fail(t.Src, errors.New("not a directory"), "type: file takes single files")}
	case env.Fakeroot != "":
		return nil, plan.Errors{j.pretended(t.Src)}
	}
	w := &walk{
		Tree: t.Tree, job: j, ctx: ctx, wants: wants(t.SrcXattrs),
		excludes: newExcludes(t.Exclude), names: map[inode]string{}, buf: make([]byte, 32<<10),
		layer: layer{apply: t.Whiteouts},
	}
	if t.Whiteouts {
		w.number = env.archive()
	}
	w.add(t.Src, info, false)
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if len(w.problems) == 0 {
		w.problems = w.excludes.unused()
	}
	if marked := w.layer.problem(&j, t.Src); marked != nil {
		w.problems = append(w.problems, marked)
	}
	if holdsIndex(t.Src) {
		warnImage(&j, t.Src, t.Dst)
	}
	w.holdTimes(w.entries)
	w.noted.tell(&j, t.SrcXattrs != manifests.XattrsDrop)
	return w.entries, w.problems.Sorted()
}

// walk is a tree being walked.
type walk struct {
	*manifests.Tree
	job
	ctx      context.Context
	number   int32 // becomes [plan.Entry.Source]
	wants    func(xattr string) bool
	excludes *excludes
	names    map[inode]string // of files with several names: the first name in the image
	above    []inode          // the current directory and its parents, when links are followed
	found    []found          // files found in them that are not added yet
	buf      []byte
	layer    layer
	noted    notes
	entries  []*plan.Entry
	problems plan.Errors
}

type inode struct{ dev, ino uint64 }

type found struct {
	path string
	info unix.Stat_t
}

// add adds the file of the host at path. A file below a directory that is closed to others is
// private, whatever its own mode.
func (w *walk) add(path string, info *unix.Stat_t, private bool) {
	// Most trees go to the root. There an entry's path is a part of its path on the host
	// and shares its memory.
	dst := path[len(w.Src):]
	if w.Dst != "/" || dst == "" {
		dst = w.Dst + dst
	}
	e := w.entry(dst, info.Mode)
	e.Brought, e.Source = true, w.number
	w.set(e, &w.Attr, info)
	w.setMode(e)
	id := inode{uint64(info.Dev), info.Ino}
	if info.Nlink > 1 && !e.IsDir() {
		if first, ok := w.names[id]; ok {
			e.HardLink, e.Target = true, first
			w.take(e, path, nil)
			return
		}
		w.names[id] = dst
	}
	var err error
	if !e.IsLink() || w.SrcXattrs == manifests.XattrsKeep { // few systems allow attributes on a link
		var left []string
		e.Xattrs, left, err = hostXattrs(path, w.Follow, w.wants)
		w.noted.leave(dst, left)
	}
	switch e.Mode & plan.TypeMask {
	case plan.TypeDir:
		e.Implied = true
	case plan.TypeFile:
		err = cmp.Or(err, w.setContent(e, path, info))
		e.Private = e.Private || private
		w.noted.onDisk(dst, info)
	case plan.TypeLink:
		e.Target, err = os.Readlink(path)
	case plan.TypeChar, plan.TypeBlock:
		e.Major, e.Minor = unix.Major(uint64(info.Rdev)), unix.Minor(uint64(info.Rdev))
	}
	if w.take(e, path, err); e.IsDir() && err == nil {
		w.addDir(path, id, private || info.Mode&0o001 == 0)
	}
}

// take adds the entries that e stands for. err is a problem with the file at path.
func (w *walk) take(e *plan.Entry, path string, err error) {
	var taken []*plan.Entry
	if err == nil {
		taken, err = w.layer.take(e)
	}
	if err != nil {
		w.problems = append(w.problems, w.fail(path, err, ""))
		return
	}
	w.entries = append(w.entries, taken...)
}

// addDir adds the contents of the directory at path.
func (w *walk) addDir(path string, id inode, private bool) {
	if w.ctx.Err() != nil {
		return
	}
	for _, up := range w.above {
		if w.Follow && up == id {
			w.problems = append(w.problems, w.fail(path, errors.New("a symbolic link that leads back to a directory above it"), ""))
			return
		}
	}
	w.above = append(w.above, id)
	defer func() { w.above = w.above[:len(w.above)-1] }()

	w.input(path)
	first := len(w.found)
	if err := w.look(path); err != nil {
		w.problems = append(w.problems, w.fail(path, err, ""))
	}
	for i, end := first, len(w.found); i < end; i++ {
		w.add(w.found[i].path, &w.found[i].info, private)
	}
	w.found = w.found[:first]
}

// look lists the directory at path, sorted by name. It closes the directory before it returns,
// because a deep tree would take too many descriptors.
func (w *walk) look(path string) error {
	var fd int
	err := again(func() (err error) {
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var names []string
	for n := 1; n > 0 && err == nil; {
		if n, err = unix.ReadDirent(fd, w.buf); err == nil {
			_, _, names = unix.ParseDirent(w.buf[:n], -1, names)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		f := found{path: path + "/" + name}
		if w.excludes.match(f.path[len(w.Src)+1:]) {
			continue
		}
		if err := lookAt(fd, name, w.Follow, &f.info); err != nil {
			w.problems = append(w.problems, w.fail(f.path, err, ""))
			continue
		}
		w.found = append(w.found, f)
	}
	if err != nil {
		return &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return nil
}

// setMode sets the permission bits of e that the item has.
func (w *walk) setMode(e *plan.Entry) {
	bits := e.Mode & 0o7777
	switch {
	case e.IsLink():
		bits = 0o777
	case e.IsDir() && w.DirMode != nil:
		bits = *w.DirMode
	case e.IsDir() && w.Mode != nil:
		bits = *w.Mode | *w.Mode&0o444>>2
	case w.Mode != nil:
		bits = *w.Mode
	case w.Normalize && (e.IsDir() || e.IsFile() && bits&0o100 != 0):
		bits = 0o755
	case w.Normalize && e.IsFile():
		bits = 0o644
	}
	e.Mode = e.Mode&plan.TypeMask | bits
}
