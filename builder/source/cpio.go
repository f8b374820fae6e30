package source

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// cpioSource puts the root of an initramfs below Dst. Package image unpacks the archives as the
// kernel does. Owners, modes and times come from the archives, but no time is after
// SOURCE_DATE_EPOCH if that is set. Directories are implied. Contents of raw archives stay in
// the file. Contents of compressed archives go to a nameless temporary file.
type cpioSource struct{ *manifests.Cpio }

// Entries reads the archives.
func (c cpioSource) Entries(ctx context.Context, env *Env) ([]*plan.Entry, error) {
	j := env.job(&c.Item)
	file, ramdisk := image.SplitChoice(c.Src)
	f, err := openArchive(ctx, &j, file, j.Limits.cpioFormat())
	if c.Optional && errors.Is(err, fs.ErrNotExist) {
		j.inputAbove(c.Src)
		return nil, nil
	}
	if err != nil {
		return nil, archiveProblem(ctx, &j, c.Src, err)
	}
	env.keep(f)
	r := &cpioReader{
		Cpio: c.Cpio, job: j, top: cmp.Or(c.Dst, "/"), number: j.archive(), archive: f, ramdisk: ramdisk, excludes: newExcludes(c.Exclude),
		bodies: map[int64]body{}, spool: new(spool),
	}
	env.keep(r.spool)
	err = r.read(ctx)
	if err == nil {
		err = f.check()
	}
	if err == nil {
		err = r.excludes.unused().Sorted()
	}
	if err != nil {
		return nil, archiveProblem(ctx, &j, c.Src, err)
	}
	r.noted.tell(&j, c.SrcXattrs != manifests.XattrsDrop)
	return r.entries, nil
}

// cpioFormat opens archives as they are. Data from a pipe has the same bound as unpacked data.
func (l Limits) cpioFormat() archiveFormat {
	return archiveFormat{
		plain: func(_ context.Context, f *os.File) (*os.File, error) { return f, nil },
		spool: func(_ context.Context, spool *os.File, in io.Reader) error {
			return copyPipe(spool, in, l, image.CheckHead)
		},
		pipe: "pipe an image in: mkinitfs ... <IMAGE", dir: treeTakes,
	}
}

// cpioReader is an initramfs being read.
type cpioReader struct {
	*manifests.Cpio
	job
	top      string // in the image
	number   int32  // becomes [plan.Entry.Source]
	archive  *opened
	ramdisk  string // its name in a file for a boot loader, or ""
	excludes *excludes
	seen     int64          // entries
	size     int64          // bytes of all bodies
	bodies   map[int64]body // by the number of their entries
	spool    *spool
	noted    notes
	entries  []*plan.Entry
}

// body is where a body lies: in the archive or in the spool.
type body struct {
	spooled bool
	offset  int64
}

func (r *cpioReader) read(ctx context.Context) error {
	root, err := image.ReadRoot(ctx, image.Chosen{File: r.archive.File, Name: r.ramdisk}, r.Limits.unpacked(), r.visit)
	for _, f := range root.Info.Findings {
		r.warn("%s: %s", r.Src, &f)
	}
	if left := root.Info.BeyondRoot(root.Entries); err == nil && len(left) > 0 && r.top == "/" {
		r.warn("%s: only the root is taken, not what was built with %s\n  write these keys in the manifest; mkinitfs inspect shows their values", r.Src, strings.Join(left, ", "))
	}
	switch {
	case errors.Is(err, image.ErrTooLarge):
		return r.Limits.tooLarge()
	case err != nil:
		return err
	}
	if err := r.spool.end(); err != nil {
		return err
	}
	from, err := r.takeEarly(root)
	if err != nil {
		return err
	}
	names := map[string]*plan.Entry{} // of files with several: the first one taken
	for i := range root.Entries {
		if e := &root.Entries[i]; e.Member != "" || e.Segment >= from {
			r.add(e, names)
		}
	}
	return nil
}

// visit notes where the body of an entry lies, and copies it if it cannot be read later.
func (r *cpioReader) visit(e *image.Entry, in io.Reader) error {
	if r.seen++; r.seen > r.Limits.entries() {
		return r.Limits.tooMany()
	}
	if e.Mode&plan.TypeMask != plan.TypeFile || e.Size == 0 {
		return nil
	}
	if r.size += e.Size; r.size > r.Limits.unpacked() {
		return r.Limits.tooLarge()
	}
	if section := image.Section(in); section != nil {
		_, offset, _ := section.Outer()
		r.bodies[e.Number()] = body{false, offset}
		return nil
	}
	offset, err := r.spool.add(in, e.Size)
	r.bodies[e.Number()] = body{true, offset}
	return err
}

// add takes an entry of the root.
func (r *cpioReader) add(found *image.Entry, names map[string]*plan.Entry) {
	name := cmp.Or(strings.TrimPrefix(found.Path(), "/"), ".")
	if r.excludes.matchUp(name) {
		return
	}
	if found.Mode&plan.TypeMask == plan.TypeLink && found.Link == "" {
		r.noted.targetless.add(found.Path())
		return
	}
	e := r.entry(path.Join(r.top, name), found.Mode)
	e.Source, e.Brought = r.number, true
	e.MTime, e.UID, e.GID = r.Clock.clamp(found.MTime), found.UID, found.GID
	e.Major, e.Minor = found.RdevMajor, found.RdevMinor
	r.entries = append(r.entries, e)
	switch found.Mode & plan.TypeMask {
	case plan.TypeDir:
		e.Implied = true
	case plan.TypeLink:
		e.Target = found.Link
	default:
		if found.Nlink > 1 || found.HardLinkOf != "" {
			file := found.File()
			if first := names[file]; first != nil {
				e.Mode, e.HardLink, e.Target = plan.TypeFile, true, first.Path
				return
			}
			names[file] = e
		}
	}
	if e.IsFile() {
		e.Size, e.Private = found.Size, r.archive.private
		e.Data = r.data(found)
	}
	if r.SrcXattrs == manifests.XattrsKeep {
		e.Xattrs = found.Xattrs
		return
	}
	left := make([]string, 0, len(found.Xattrs))
	for attribute := range found.Xattrs {
		left = append(left, attribute)
	}
	r.noted.leave(e.Path, left)
}

// data returns where the content of a file lies.
func (r *cpioReader) data(file *image.Entry) plan.Data {
	b, ok := r.bodies[file.Content()]
	switch {
	case !ok || file.Size == 0:
		return plan.Data{}
	case b.spooled:
		return plan.Data{At: r.spool.file, Offset: b.offset}
	}
	return plan.Data{At: r.archive.File, Offset: b.offset, Stamp: r.archive.stamp}
}

// takeEarly passes on the archives for the start of the image, and returns the first segment
// behind them. If Dst is not the root, all segments are content.
func (r *cpioReader) takeEarly(root *image.Root) (from int, err error) {
	early := root.Early
	if early.Segments == 0 || r.top != "/" {
		return 0, nil
	}
	files, excluded := 0, 0
	for _, e := range early.Entries {
		if e.Dir {
			continue
		}
		if files++; r.excludes.matchUp(e.Path[1:]) {
			excluded++
		}
	}
	switch {
	case excluded == files:
		return early.Segments, nil
	case excluded > 0:
		return 0, advise("exclude all files of the archives in front, or none", "the archives in front stay as they are, and exclude names %d of their %d files", excluded, files)
	case cut(root.Info, early.Segments):
		return 0, advise("exclude: [kernel] leaves them out", "the archives in front end in the middle of an entry: the kernel would take what follows as its content")
	case r.Early != nil:
		e := Early{
			At: r.archive.File, Offset: early.Offset, Size: early.Size, Trailer: early.Trailer, Stamp: r.archive.stamp,
			Origin: r.origin, Private: r.archive.private,
		}
		e.add(early.Entries)
		r.Early(e)
	}
	return early.Segments, nil
}

// cut reports whether the image ends inside an entry of the segments before end.
func cut(info *image.Info, end int) bool {
	return slices.ContainsFunc(info.Findings, func(f image.Finding) bool {
		return f.Code == "cut" && f.Member == "" && f.Segment < end
	})
}
