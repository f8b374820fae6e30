package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	ispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/oci"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// ociSource puts the root of a container's image below Dst. Package oci finds the image, and a
// [rootfs] is what its layers make together. Owners, modes and times come from the layers, but
// no time is after SOURCE_DATE_EPOCH if that is set. Directories are implied. Contents stay in
// layers that are not compressed. Contents of compressed layers go to a nameless temporary file.
type ociSource struct{ *manifests.OCI }

// Entries reads the image.
func (o ociSource) Entries(ctx context.Context, env *Env) ([]*plan.Entry, error) {
	j := env.job(&o.Item)
	files, err := openImage(ctx, &j, o.Src)
	if o.Optional && errors.Is(err, fs.ErrNotExist) {
		j.inputAbove(o.Src)
		return nil, nil
	}
	if err != nil {
		return nil, archiveProblem(ctx, &j, o.Src, err)
	}
	env.keep(files)
	r := &ociReader{OCI: o.OCI, job: j, files: files, top: cmp.Or(o.Dst, "/"), number: j.archive(), excludes: newExcludes(o.Exclude)}
	env.keep(&r.layers)
	env.keep(&r.sparse)
	err = r.read(ctx)
	if err == nil {
		err = files.check()
	}
	if err == nil {
		err = r.excludes.unused().Sorted()
	}
	if err != nil {
		return nil, archiveProblem(ctx, &j, o.Src, err)
	}
	r.holdTimes(r.entries)
	r.noted.tell(&j, o.SrcXattrs != manifests.XattrsDrop)
	return r.entries, nil
}

// ociReader is a container's image being read.
type ociReader struct {
	*manifests.OCI
	job
	files    imageFiles
	top      string // in the image
	number   int32  // becomes [plan.Entry.Source]
	excludes *excludes
	layers   layerUnpacker
	sparse   expander
	text     int // bytes of names and the like in all layers
	noted    notes
	entries  []*plan.Entry
}

func (r *ociReader) read(ctx context.Context) error {
	img, err := oci.Find(r.files, oci.Want{Ref: r.Ref, Platform: r.platform()})
	if errors.Is(err, oci.ErrNone) {
		return advise(r.files.hint(), "%w", err)
	}
	if err != nil {
		return withHint(err)
	}
	most, over := r.Limits.unpacked(), r.Limits.tooLarge()
	r.layers = layerUnpacker{job: &r.job, src: r.Src, files: r.files, left: most, over: over}
	r.sparse = expander{most: most, over: over}
	root := newRootfs(&r.job, r.number)
	for i := range img.Layers {
		if err := r.apply(ctx, root, &img.Layers[i]); err != nil {
			return err
		}
	}
	if r.layers.file != nil {
		r.warnTmpfs(r.Src, r.layers.file)
	}
	if root.outside.n > 0 {
		r.warn("%s: names with \"..\" are taken as runtimes do, without a way out of the root: %s", r.Src, &root.outside)
	}
	r.addEntries(root)
	r.images = append(r.images, ociProcess{img.Process, r.origin, r.top})
	return nil
}

// apply applies a layer to root.
func (r *ociReader) apply(ctx context.Context, root *rootfs, l *oci.Layer) error {
	plain, err := r.layers.unpack(ctx, l)
	if err == nil && plain.Size() > 0 { // a layer without anything may be empty
		err = checkPart(plain)
	}
	if err != nil || plain.Size() == 0 {
		return inLayer(ctx, l, err)
	}
	t := newTarStream(r.job, r.Src+": "+l.Name, plain, r.number, r.SrcXattrs)
	t.sparse, t.text, t.members = &r.sparse, r.text, root.members // the bounds are for all layers
	t.summed = true
	root.begin()
	err = t.read(ctx, func(m *tarMember) error {
		if int64(root.members) == r.Limits.entries() {
			return r.Limits.tooMany()
		}
		return root.add(m)
	})
	r.text = t.text
	return inLayer(ctx, l, err)
}

// inLayer adds the layer to an error.
func inLayer(ctx context.Context, l *oci.Layer, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("%s: %w", l.Name, err)
}

// addEntries adds the entries of the root. Runtimes make the mount points that are missing.
func (r *ociReader) addEntries(root *rootfs) {
	for _, name := range []string{"proc", "sys", "dev", "run"} {
		if root.top.children[name] == nil {
			root.top.set(name, root.directory(nil))
		}
	}
	root.top.file.Path = r.top
	r.entries = append(r.entries, root.top.file.Entry)
	r.addBelow(root.top, "")
}

// addBelow adds the entries below the directory n. dir is "" or ends in a slash.
func (r *ociReader) addBelow(n *node, dir string) {
	for _, base := range slices.Sorted(maps.Keys(n.children)) {
		name, child := dir+base, n.children[base]
		if r.excludes.match(name) {
			continue
		}
		m, place := child.file, path.Join(r.top, name)
		if m.Path != "" { // it has a name already
			r.entries = append(r.entries, r.links(m.Path, []string{place})...)
			r.entries[len(r.entries)-1].Source, r.entries[len(r.entries)-1].Brought = r.number, true
			continue
		}
		m.Path = place
		m.leave(&r.noted, r.SrcXattrs)
		r.entries = append(r.entries, m.Entry)
		r.addBelow(child, name+"/")
	}
}

// platform returns the platform that is wanted. It is zero if the architecture of the image is
// not known yet.
func (r *ociReader) platform() ispec.Platform {
	if p := r.Platform; p != (manifests.Platform{}) {
		return ispec.Platform{OS: p.OS, Architecture: p.Arch, Variant: p.Variant}
	}
	name, variant, _ := strings.Cut(r.Arch, "/")
	return ispec.Platform{OS: "linux", Architecture: name, Variant: variant}
}

// withHint returns err with the hint that it has.
func withHint(err error) error {
	if h := (*oci.Hinted)(nil); errors.As(err, &h) {
		return advise(h.Hint, "%w", err)
	}
	return err
}

// imageFiles are the files of a container's image.
type imageFiles interface {
	oci.Files
	io.Closer
	open(name string) (*part, error)
	hint() string // for files that hold no image
	check() error // returns an error if they changed while they were read
}

// openImage opens the directory or the archive at src.
func openImage(ctx context.Context, j *job, src string) (imageFiles, error) {
	var info unix.Stat_t
	if src != manifests.Stdin {
		if err := lookAt(unix.AT_FDCWD, src, true, &info); err != nil {
			return nil, err
		}
		if info.Mode&plan.TypeMask == plan.TypeDir {
			return &imageDir{job: j, path: src}, nil
		}
	}
	format := tarsIn(func(spool io.Writer) io.Writer { return &bounded{spool, j.Limits.unpacked(), j.Limits.tooLarge()} })
	format.pipe = "pipe an image in: docker save IMAGE | mkinitfs ..."
	f, err := openArchive(ctx, j, src, format)
	if err != nil {
		return nil, err
	}
	members, err := oci.ReadArchive(f.File, j.Limits.entries(), func() error { return context.Cause(ctx) })
	if errors.Is(err, oci.ErrMany) {
		err = j.Limits.tooMany()
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &imageArchive{members, f}, nil
}

// imageArchive is an image in a tar archive.
type imageArchive struct {
	*oci.Archive
	file *opened
}

func (a *imageArchive) Close() error { return a.file.Close() }
func (a *imageArchive) hint() string { return "type: tar takes tarballs" }
func (a *imageArchive) check() error { return a.file.check() }

func (a *imageArchive) open(name string) (*part, error) {
	f, err := a.Open(name)
	if err != nil {
		return nil, err
	}
	_, offset, size := f.Outer()
	return newPart(a.file, offset, size), nil
}

// imageDir is an image in a directory.
type imageDir struct {
	*job
	path string
	kept closers
}

func (d *imageDir) Close() error { return d.kept.Close() }
func (*imageDir) hint() string   { return treeTakes }
func (*imageDir) check() error   { return nil } // what is read is compared with digests

// openFile opens a regular file of the image.
func (d *imageDir) openFile(name string) (*part, error) {
	if !filepath.IsLocal(name) {
		return nil, fs.ErrNotExist
	}
	path := filepath.Join(d.path, name)
	var info unix.Stat_t
	err := lookAt(unix.AT_FDCWD, path, true, &info)
	switch {
	case err == unix.ENOENT || err == unix.ENOTDIR:
		return nil, fs.ErrNotExist
	case err != nil:
		return nil, err
	case info.Mode&plan.TypeMask != plan.TypeFile:
		return nil, notRegular(&info)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	d.input(path)
	if err := unix.Fstat(int(f.Fd()), &info); err != nil {
		f.Close()
		return nil, err
	}
	private := closed(&info) || d.isClosed(filepath.Dir(name))
	return newPart(&opened{File: f, stamp: stamp(&info), private: private}, 0, info.Size), nil
}

// isClosed reports whether some users may not search a directory of the image, or one above it
// up to the top.
func (d *imageDir) isClosed(name string) bool {
	for ; ; name = filepath.Dir(name) {
		var info unix.Stat_t
		if lookAt(unix.AT_FDCWD, filepath.Join(d.path, name), true, &info) != nil || info.Mode&0o001 == 0 {
			return true
		}
		if name == "." {
			return false
		}
	}
}

func (d *imageDir) open(name string) (*part, error) {
	p, err := d.openFile(name)
	if err == nil {
		d.kept = append(d.kept, p.file)
	}
	return p, err
}

// ReadFile returns the content of a file of the image.
func (d *imageDir) ReadFile(name string, most int64) ([]byte, error) {
	p, err := d.openFile(name)
	if err != nil {
		return nil, err
	}
	defer p.file.Close()
	return oci.ReadAll(p.SectionReader, most)
}
