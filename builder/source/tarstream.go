package source

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// part is a range of a file that stays open: an archive, or a file in one.
type part struct {
	*io.SectionReader
	file    *os.File
	offset  int64
	stamp   plan.Stamp // of the file; zero for a file that has no name
	private bool
}

func newPart(f *opened, offset, size int64) *part {
	return &part{io.NewSectionReader(f.File, offset, size), f.File, offset, f.stamp, f.private}
}

// whole returns all of f.
func (f *opened) whole() (*part, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return newPart(f, 0, info.Size()), nil
}

// tarStream reads the members of a tar archive.
type tarStream struct {
	job
	name    string // of the archive, in messages
	number  int32  // becomes [plan.Entry.Source]
	in      *part
	summed  bool              // a sum has shown that the archive is whole
	xattrs  bool              // whether extended attributes are kept, so that they take memory
	global  map[string]string // PAX records for all members from here on
	sparse  *expander
	members int
	text    int // bytes of names, link targets, extended attributes and global records
}

func newTarStream(j job, name string, in *part, number int32, rule manifests.XattrRule) tarStream {
	return tarStream{
		job: j, name: name, number: number, in: in, xattrs: rule == manifests.XattrsKeep,
		global: map[string]string{}, sparse: &expander{most: maxSpool, over: fmt.Errorf("sparse files of more than %d GiB in all", int64(maxSpool)>>30)},
	}
}

// read calls add for each member, in order. A member has no path yet.
func (r *tarStream) read(ctx context.Context, add func(*tarMember) error) error {
	// The reader seeks over contents, and reads no further than a header needs:
	// after Next the part stands at the content.
	if _, err := r.in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	tr := tar.NewReader(r.in)
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		h, err := tr.Next()
		if err == io.EOF {
			return r.checkEnd(ctx)
		}
		if err == nil {
			err = r.member(ctx, tr, h, add)
		}
		if err != nil {
			return r.where(err)
		}
	}
}

func (r *tarStream) member(ctx context.Context, tr *tar.Reader, h *tar.Header, add func(*tarMember) error) error {
	switch h.Typeflag {
	case tar.TypeXGlobalHeader:
		return r.addGlobal(h)
	case typeLabel:
		return nil
	}
	r.members++
	err := r.applyGlobal(h)
	if err == nil {
		err = r.bound(h)
	}
	var m *tarMember
	if err == nil {
		m, err = r.entryOf(ctx, tr, h)
	}
	if err == nil {
		err = add(m)
	}
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("member %.100q: %w", h.Name, err)
	}
	return err
}
