package source

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path"
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// add adds the member with the header h. tr stands at its content.
func (r *tarReader) add(ctx context.Context, tr *tar.Reader, h *tar.Header) error {
	if h.Typeflag == typeLabel {
		return nil
	}
	name, err := cleanName(h.Name)
	if err != nil {
		return err
	}
	e, err := r.start(name, h)
	if err != nil {
		return err
	}
	var left []string
	e.Xattrs, left = tarXattrs(h)
	excluded := r.excludes.matchUp(name)
	holes := int64(0)
	switch memberType(h) {
	case tar.TypeReg:
		holes, err = r.addContent(ctx, tr, h, e)
		if excluded {
			r.hidden[name] = e
		}
	case tar.TypeLink:
		e, err = r.addHardLink(e, name, h.Linkname, excluded)
	default:
		err = setNode(e, h)
	}
	if err != nil || excluded {
		return err
	}
	return r.take(e, left, holes)
}

// start returns an entry with the path, the owner and the time of a member.
func (r *tarReader) start(name string, h *tar.Header) (*plan.Entry, error) {
	if !fits(int64(h.Uid)) || !fits(int64(h.Gid)) {
		return nil, fmt.Errorf("owner %d:%d is out of range", h.Uid, h.Gid)
	}
	e := r.entry(path.Join(r.top, name), 0)
	e.Source, e.Brought = r.number, true
	e.MTime = r.Clock.clamp(h.ModTime.Unix())
	e.UID, e.GID = uint32(h.Uid), uint32(h.Gid)
	return e, nil
}

// addContent makes e a regular file, and returns the number of its bytes in holes.
func (r *tarReader) addContent(ctx context.Context, tr *tar.Reader, h *tar.Header, e *plan.Entry) (holes int64, err error) {
	offset, err := r.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	e.Mode, e.Size, e.Private = plan.TypeFile|permissions(h), h.Size, r.private
	if h.Size > 0 {
		e.Data = plan.Data{At: r.file, Offset: offset, Stamp: r.stamp}
	}
	sparse, err := isSparse(h)
	switch {
	case err != nil:
	case sparse:
		e.Data, holes, err = r.expand(ctx, tr, h.Size)
	case h.Size > r.size-offset:
		err = fmt.Errorf("%w: cut short, the archive has %d of %d bytes", io.ErrUnexpectedEOF, r.size-offset, h.Size)
	}
	return holes, err
}

// addHardLink makes e another name of the file at link. If that file is excluded, its first
// hard link that is not excluded becomes the file.
func (r *tarReader) addHardLink(e *plan.Entry, name, link string, excluded bool) (*plan.Entry, error) {
	target, err := cleanName(link)
	if err != nil {
		return nil, fmt.Errorf("hard link to %q: %w", link, err)
	}
	if excluded {
		return e, nil
	}
	if other, ok := r.moved[target]; ok {
		target = other
	}
	if file, ok := r.hidden[target]; ok {
		delete(r.hidden, target)
		r.moved[target] = name
		file.Path = e.Path
		return file, nil
	}
	e.Mode, e.HardLink, e.Target = plan.TypeFile, true, path.Join(r.top, target)
	return e, nil
}

// setNode sets the type of e for a member without content.
func setNode(e *plan.Entry, h *tar.Header) error {
	switch memberType(h) {
	case tar.TypeSymlink:
		e.Mode, e.Target = plan.TypeLink|0o777, h.Linkname
	case tar.TypeDir:
		e.Mode, e.Implied = plan.TypeDir|permissions(h), true
	case tar.TypeFifo:
		e.Mode = plan.TypeFIFO | permissions(h)
	case tar.TypeChar:
		return setDevice(e, h, plan.TypeChar)
	case tar.TypeBlock:
		return setDevice(e, h, plan.TypeBlock)
	case typeContinued:
		return errors.New("goes on from another volume: join the volumes first, as tar -M reads them")
	case typeNames:
		return errors.New("a list of long names as GNU tar wrote it before 1990")
	default:
		return fmt.Errorf("unknown type %q", h.Typeflag)
	}
	return nil
}

func setDevice(e *plan.Entry, h *tar.Header, kind uint32) error {
	if !fits(h.Devmajor) || !fits(h.Devminor) {
		return fmt.Errorf("device %d:%d is out of range", h.Devmajor, h.Devminor)
	}
	e.Mode, e.Major, e.Minor = kind|permissions(h), uint32(h.Devmajor), uint32(h.Devminor)
	return nil
}

func permissions(h *tar.Header) uint32 { return uint32(h.Mode) & 0o7777 }

// take adds the entries that e stands for. It records the attributes that are left out: those
// in left, and all others unless the item keeps them.
func (r *tarReader) take(e *plan.Entry, left []string, holes int64) error {
	taken, err := r.layer.take(e)
	if r.SrcXattrs != manifests.XattrsKeep {
		left = slices.AppendSeq(left, maps.Keys(e.Xattrs))
		e.Xattrs = nil
	}
	r.noted.leave(e.Path, left)
	r.noted.hole(e.Path, holes)
	r.entries = append(r.entries, taken...)
	return err
}

// expand expands the sparse file at the position of tr. A file that is too large for newc gets
// no data, because the plan refuses it.
func (r *tarReader) expand(ctx context.Context, tr *tar.Reader, size int64) (data plan.Data, holes int64, err error) {
	if size > math.MaxUint32 {
		return data, 0, nil
	}
	return r.sparse.expand(ctx, tr, size)
}

// Types of members of GNU tar that have no names in archive/tar.
const (
	typeDumpDir   = 'D' // a directory, with the names in it as content
	typeContinued = 'M' // the rest of a file that began on another volume
	typeNames     = 'N'
	typeLabel     = 'V' // of the volume
)
