package source

import (
	"context"
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
	"github.com/mkinitfs/mkinitfs/manifests"
)

// fileSource puts files of the host, or a text, into the image. The item's mode counts first,
// then the mode on the host, or 0644 for a text.
type fileSource struct{ *manifests.File }

func (f fileSource) Entries(_ context.Context, env *Env) ([]*plan.Entry, error) {
	r := fileReader{File: f.File, job: env.job(&f.Item)}
	if f.Text != nil {
		return r.text()
	}
	return r.files()
}

// fileReader reads the metadata of the files of one item.
type fileReader struct {
	*manifests.File
	job
	noted notes
}

// text returns the entries for a file with its content in the manifest.
func (f *fileReader) text() ([]*plan.Entry, error) {
	e := f.entry(f.Dst, plan.TypeFile|0o644)
	e.Size = int64(len(*f.Text))
	e.Data.At = strings.NewReader(*f.Text)
	f.apply(e, nil)
	links, problem := f.names(f.Dst, nil)
	if problem != nil {
		return nil, plan.Errors{problem}
	}
	return append([]*plan.Entry{e}, links...), nil
}

// names returns the further names of the file at dst. info describes it, or is nil.
func (f *fileReader) names(dst string, info *unix.Stat_t) ([]*plan.Entry, *plan.Error) {
	links, problem := f.applets(dst, info)
	return append(f.links(dst, f.Links), links...), problem
}

// files returns an entry for every file and link.
func (f *fileReader) files() ([]*plan.Entry, error) {
	sources, err := f.find()
	switch {
	case err != nil:
		return nil, plan.Errors{f.fail(f.Src, err, "")}
	case len(sources) == 0 && f.Optional:
		return nil, nil
	case len(sources) == 0 && f.SrcGlob:
		return nil, plan.Errors{f.fail(f.Src, errors.New("matches no file"), plan.OptionalItem)}
	case len(sources) == 0:
		return nil, plan.Errors{f.fail(f.Src, unix.ENOENT, "")}
	case len(sources) > 1 && (len(f.Links) > 0 || f.Applets != nil):
		return nil, plan.Errors{f.fail(f.Src, errors.New("several files, and links are names of one"), "")}
	}
	var entries []*plan.Entry
	var problems plan.Errors
	for _, src := range sources {
		dst := f.Dst
		if f.SrcGlob || f.DstDir {
			dst = path.Join(dst, filepath.Base(src))
		}
		found, problem := f.one(src, dst)
		if problem != nil {
			problems = append(problems, problem)
			continue
		}
		entries = append(entries, found...)
	}
	f.holdTimes(entries)
	f.noted.tell(&f.job, f.SrcXattrs != manifests.XattrsDrop)
	return entries, problems.Sorted()
}

// find returns the files that Src names.
func (f *fileReader) find() ([]string, error) {
	if !f.SrcGlob {
		_, err := os.Lstat(f.Src)
		if errors.Is(err, fs.ErrNotExist) {
			f.inputAbove(f.Src)
			return nil, nil
		}
		return []string{f.Src}, err
	}
	base, pattern := doublestar.SplitPattern(filepath.Clean(f.Src))
	dir := hostDir{os.DirFS(base), base, &f.job}
	names, err := doublestar.Glob(dir, pattern, doublestar.WithNoFollow(), doublestar.WithFailOnIOErrors())
	var sources []string
	for _, name := range names {
		src := filepath.Join(base, name)
		// ** matches directories on its way.
		if info, err := os.Lstat(src); err != nil || !info.IsDir() {
			sources = append(sources, src)
		}
	}
	slices.Sort(sources)
	return sources, err
}

// hostDir is a directory of the host in which a pattern is matched. Each directory that is read
// counts as input.
type hostDir struct {
	fs.FS
	path string
	job  *job
}

func (d hostDir) ReadDir(name string) ([]fs.DirEntry, error) {
	d.job.input(filepath.Join(d.path, name))
	return fs.ReadDir(d.FS, name)
}

func (d hostDir) Stat(name string) (fs.FileInfo, error) { return fs.Stat(d.FS, name) }

// one returns the entries for one file of the host.
func (f *fileReader) one(src, dst string) ([]*plan.Entry, *plan.Error) {
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
		f.noted.onDisk(dst, info)
	default:
		err = notRegular(info)
	}
	if err != nil {
		return nil, f.fail(src, err, "")
	}
	f.apply(e, info)
	kept, left, err := hostXattrs(src, f.Follow, wants(f.SrcXattrs))
	if err != nil {
		return nil, f.fail(src, err, "")
	}
	f.noted.leave(dst, slices.DeleteFunc(left, func(name string) bool { return has(f.Xattrs, name) }))
	if f.SrcXattrs == manifests.XattrsKeep {
		e.Xattrs = kept.With(f.Xattrs)
	}
	links, problem := f.names(dst, info)
	return append([]*plan.Entry{e}, links...), problem
}

// pretends reports whether another program may pretend metadata of e that the item does not
// set. An empty file on disk may stand for a device node.
func (f *fileReader) pretends(e *plan.Entry, info *unix.Stat_t) bool {
	return f.Owner.Keep || f.SrcXattrs == manifests.XattrsKeep || e.IsFile() && (f.Mode == nil || info.Size == 0)
}

func (f *fileReader) apply(e *plan.Entry, info *unix.Stat_t) {
	if f.Mode != nil && !e.IsLink() {
		e.Mode = e.Mode&plan.TypeMask | *f.Mode
	}
	f.set(e, &f.Attr, info)
}
