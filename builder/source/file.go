package source

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// File puts files of the host, or a text, into the image.
type File struct {
	Item
	Attr
	Src      string   // a path, or a pattern
	Glob     bool     // Src is a pattern, in doublestar's syntax
	Text     *string  // content, instead of Src
	DstDir   bool     // Dst is a folder that the files go into, as for a pattern
	Links    []string // further names, if it is one file: hard links
	Follow   bool     // take what a symbolic link leads to, not the link
	Optional bool     // no such file is fine
}

// Entries returns an entry for every file and link. The mode is the host's, or
// 0644 for a text, unless Attr has one. An error is of type [plan.Errors].
func (f File) Entries(clock Clock) ([]*plan.Entry, error) {
	if f.Text != nil {
		e := f.entry(f.Dst, plan.TypeFile|0o644)
		e.Size = int64(len(*f.Text))
		e.Data.At = strings.NewReader(*f.Text)
		f.apply(e, nil, clock)
		return append([]*plan.Entry{e}, f.links(f.Dst, f.Links)...), nil
	}
	sources, err := f.find()
	switch {
	case err != nil:
		return nil, plan.Errors{f.fail(f.Src, err, "")}
	case len(sources) == 0 && f.Optional:
		return nil, nil
	case len(sources) == 0 && f.Glob:
		return nil, plan.Errors{f.fail(f.Src, errors.New("matches no file"), plan.OptionalItem)}
	case len(sources) == 0:
		return nil, plan.Errors{f.fail(f.Src, unix.ENOENT, "")}
	case len(sources) > 1 && len(f.Links) > 0:
		return nil, plan.Errors{f.fail(f.Src, errors.New("several files, and links are names of one"), "")}
	}
	var entries []*plan.Entry
	var problems plan.Errors
	var noted notes
	for _, src := range sources {
		dst := f.Dst
		if f.Glob || f.DstDir {
			dst = path.Join(dst, filepath.Base(src))
		}
		e, problem := f.one(src, dst, clock, &noted)
		if problem != nil {
			problems = append(problems, problem)
			continue
		}
		entries = append(entries, e)
		entries = append(entries, f.links(dst, f.Links)...)
	}
	f.holdTimes(entries)
	noted.tell(&f.Item, !f.DropXattrs)
	return entries, problems.Sorted()
}

// find returns the files that Src names.
func (f *File) find() ([]string, error) {
	if !f.Glob {
		_, err := os.Lstat(f.Src)
		if errors.Is(err, fs.ErrNotExist) {
			f.inputAbove(f.Src)
			return nil, nil
		}
		return []string{f.Src}, err
	}
	base, pattern := doublestar.SplitPattern(filepath.Clean(f.Src))
	folders := hostFolder{os.DirFS(base), base, &f.Item}
	names, err := doublestar.Glob(folders, pattern, doublestar.WithNoFollow(), doublestar.WithFailOnIOErrors())
	var sources []string
	for _, name := range names {
		src := filepath.Join(base, name)
		// ** matches folders on its way.
		if info, err := os.Lstat(src); err != nil || !info.IsDir() {
			sources = append(sources, src)
		}
	}
	slices.Sort(sources)
	return sources, err
}

// hostFolder is a folder of the host that a pattern is looked for in. What is read
// of it counts as input.
type hostFolder struct {
	fs.FS
	path string
	item *Item
}

func (f hostFolder) ReadDir(name string) ([]fs.DirEntry, error) {
	f.item.input(filepath.Join(f.path, name))
	return fs.ReadDir(f.FS, name)
}

func (f hostFolder) Stat(name string) (fs.FileInfo, error) { return fs.Stat(f.FS, name) }

// one returns the entry for one file of the host.
func (f *File) one(src, dst string, clock Clock, noted *notes) (*plan.Entry, *plan.Error) {
	info := &unix.Stat_t{}
	err := lookAt(unix.AT_FDCWD, src, f.Follow, info)
	if err != nil {
		return nil, f.fail(src, err, "")
	}
	e := f.entry(dst, info.Mode)
	if f.Fakeroot != "" && f.pretends(e, info) {
		return nil, f.pretended(src)
	}
	switch {
	case e.IsLink():
		e.Mode |= 0o777
		f.inputAbove(src)
		e.Target, err = os.Readlink(src)
	case e.IsFile():
		err = f.setContent(e, src, info)
		noted.onDisk(dst, info)
	default:
		err = notRegular(info)
	}
	if err != nil {
		return nil, f.fail(src, err, "")
	}
	f.apply(e, info, clock)
	kept, left, err := hostXattrs(src, f.Follow, f.wants)
	if err != nil {
		return nil, f.fail(src, err, "")
	}
	noted.leave(dst, slices.DeleteFunc(left, func(name string) bool { return has(f.Xattrs, name) }))
	if f.KeepXattrs {
		e.Xattrs = kept.With(f.Xattrs)
	}
	return e, nil
}

// pretends reports whether something about e may be pretended: what nobody gives, or that
// it is a file at all, since device nodes are empty files on disk.
func (f *File) pretends(e *plan.Entry, info *unix.Stat_t) bool {
	return f.KeepOwner || f.KeepXattrs || e.IsFile() && (f.Mode == nil || info.Size == 0)
}

func (f *File) apply(e *plan.Entry, info *unix.Stat_t, clock Clock) {
	if f.Mode != nil && !e.IsLink() {
		e.Mode = e.Mode&plan.TypeMask | *f.Mode
	}
	f.Attr.set(e, info, clock)
}
