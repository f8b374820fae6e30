package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

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
	f, err := openArchive(ctx, &j, t.Src, tarFormat())
	if t.Optional && errors.Is(err, fs.ErrNotExist) {
		j.inputAbove(t.Src)
		return nil, nil
	}
	if err != nil {
		return nil, archiveProblem(ctx, &j, t.Src, err)
	}
	env.keep(f)
	r, err := newTarReader(t.Tar, j, f)
	if err == nil {
		env.keep(r.sparse)
		err = r.read(ctx, r.add)
	}
	if err == nil {
		err = f.check()
	}
	if err == nil {
		err = r.problems().Sorted()
	}
	if err != nil {
		return nil, archiveProblem(ctx, &j, t.Src, err)
	}
	if r.names.image() {
		warnImage(&j, t.Src, t.Dst)
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

// tarReader puts the members of an archive below its item's Dst.
type tarReader struct {
	*manifests.Tar
	tarStream
	top      string // in the image
	excludes *excludes
	hidden   map[string]*plan.Entry // excluded files, by name: a hard link may need the content
	moved    map[string]string      // excluded name -> hard link that has its content now
	layer    layer
	names    imageNames
	noted    notes
	entries  []*plan.Entry
}

func newTarReader(t *manifests.Tar, j job, f *opened) (*tarReader, error) {
	all, err := f.whole()
	if err != nil {
		return nil, err
	}
	return &tarReader{
		Tar: t, top: cmp.Or(t.Dst, "/"), tarStream: newTarStream(j, t.Src, all, j.archive(), t.SrcXattrs),
		excludes: newExcludes(t.Exclude), hidden: map[string]*plan.Entry{}, moved: map[string]string{},
		layer: layer{apply: t.Whiteouts},
	}, nil
}

// add adds a member.
func (r *tarReader) add(m *tarMember) error {
	r.names.add(m.header.Name)
	name, err := cleanName(m.header.Name)
	if err != nil {
		return err
	}
	m.Path = path.Join(r.top, name)
	excluded := r.excludes.matchUp(name)
	switch {
	case m.HardLink:
		err = r.addHardLink(m, name, excluded)
	case excluded && m.IsFile():
		r.hidden[name] = m.Entry
	}
	if err != nil || excluded {
		return err
	}
	return r.take(m)
}

// addHardLink makes m another name of a file. If that file is excluded, its first hard link
// that is not excluded becomes the file.
func (r *tarReader) addHardLink(m *tarMember, name string, excluded bool) error {
	target, err := cleanName(m.header.Linkname)
	if err != nil {
		return fmt.Errorf("hard link to %q: %w", m.header.Linkname, err)
	}
	if excluded {
		return nil
	}
	if other, ok := r.moved[target]; ok {
		target = other
	}
	if file, ok := r.hidden[target]; ok {
		delete(r.hidden, target)
		r.moved[target] = name
		file.Path = m.Path
		m.Entry = file
		return nil
	}
	m.Target = path.Join(r.top, target)
	return nil
}

// take adds the entries that m stands for, and records what is left out of it.
func (r *tarReader) take(m *tarMember) error {
	taken, err := r.layer.take(m.Entry)
	m.leave(&r.noted, r.SrcXattrs)
	r.entries = append(r.entries, taken...)
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
