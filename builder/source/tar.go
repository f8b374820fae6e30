package source

import (
	"archive/tar"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// tarSource puts the members of a tar archive below Dst. Owners, modes and times come from the
// archive. Times are cut to seconds, and no time is after SOURCE_DATE_EPOCH if that is set.
// Directories are implied. Contents stay in the archive. If the archive is compressed or a
// stream, they stay in a nameless temporary file.
type tarSource struct{ *manifests.Tar }

// Entries reads the archive's headers.
func (t tarSource) Entries(ctx context.Context, env *Env) ([]*plan.Entry, error) {
	j := env.job(&t.Item)
	f, err := openArchive(ctx, &j, t.Src, tarFormat)
	if t.Optional && errors.Is(err, fs.ErrNotExist) {
		j.inputAbove(t.Src)
		return nil, nil
	}
	if err != nil {
		return nil, archiveProblem(ctx, &j, t.Src, err)
	}
	env.keep(f)
	r := newTarReader(t.Tar, j, f)
	env.keep(&r.sparse)
	err = r.read(ctx)
	if err == nil {
		err = f.check()
	}
	if err == nil {
		err = r.problems().Sorted()
	}
	if err != nil {
		return nil, archiveProblem(ctx, &j, t.Src, err)
	}
	r.holdTimes(r.entries)
	r.noted.tell(&j, t.SrcXattrs != manifests.XattrsDrop)
	return r.entries, nil
}

// archiveProblem adds the place of the archive to err, unless err has a place or is the error
// of ctx.
func archiveProblem(ctx context.Context, j *job, src string, err error) error {
	var placed plan.Errors
	if errors.As(err, &placed) || ctx.Err() != nil {
		return err
	}
	return plan.Errors{j.fail(src, err, "")}
}

// tarReader is an archive being read.
type tarReader struct {
	*manifests.Tar
	job
	top      string // in the image
	number   int32  // becomes [plan.Entry.Source]
	file     *os.File
	size     int64 // of file
	stamp    plan.Stamp
	private  bool
	excludes *excludes
	hidden   map[string]*plan.Entry // excluded files, by name: a hard link may need the content
	moved    map[string]string      // excluded name -> hard link that has its content now
	global   map[string]string      // PAX records for all members from here on
	sparse   expander
	layer    layer
	noted    notes
	text     int // bytes of names, link targets, extended attributes and global records
	entries  []*plan.Entry
}

func newTarReader(t *manifests.Tar, j job, f *opened) *tarReader {
	return &tarReader{
		Tar: t, job: j, top: cmp.Or(t.Dst, "/"), number: j.archive(), file: f.File, stamp: f.stamp, private: f.private,
		excludes: newExcludes(t.Exclude), hidden: map[string]*plan.Entry{}, moved: map[string]string{},
		global: map[string]string{}, layer: layer{apply: t.Whiteouts}, sparse: expander{most: maxSpool},
	}
}

func (r *tarReader) read(ctx context.Context) error {
	// The reader seeks over contents, and reads no further than a header needs:
	// after Next the file stands at the content.
	info, err := r.file.Stat()
	if err != nil {
		return err
	}
	r.size = info.Size()
	tr := tar.NewReader(r.file)
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		h, err := tr.Next()
		if err == io.EOF {
			return r.checkEnd(ctx)
		}
		if err == nil {
			err = r.member(ctx, tr, h)
		}
		if err != nil {
			return r.where(err)
		}
	}
}

func (r *tarReader) member(ctx context.Context, tr *tar.Reader, h *tar.Header) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return r.addGlobal(h)
	}
	err := r.applyGlobal(h)
	if err == nil {
		err = r.bound(h)
	}
	if err == nil {
		err = r.add(ctx, tr, h)
	}
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("member %.100q: %w", h.Name, err)
	}
	return err
}

// problems returns the faults of the item that show once the whole archive is read.
func (r *tarReader) problems() plan.Errors {
	problems := r.excludes.unused()
	if marked := r.layer.problem(&r.job, r.Src); marked != nil {
		problems = append(problems, marked)
	}
	return problems
}
