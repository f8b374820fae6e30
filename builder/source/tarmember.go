package source

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// tarMember is a member of a tar archive as an entry. A hard link has its target in the header
// only.
type tarMember struct {
	*plan.Entry
	header *tar.Header
	left   []string // names of attributes that no entry can have
	holes  int64    // bytes in holes
}

// entryOf returns the member with the header h. tr stands at its content.
func (r *tarStream) entryOf(ctx context.Context, tr *tar.Reader, h *tar.Header) (*tarMember, error) {
	if !fits(int64(h.Uid)) || !fits(int64(h.Gid)) {
		return nil, fmt.Errorf("owner %d:%d is out of range", h.Uid, h.Gid)
	}
	m := &tarMember{Entry: r.entry("", 0), header: h}
	m.Source, m.Brought = r.number, true
	m.MTime = r.Clock.clamp(h.ModTime.Unix())
	m.UID, m.GID = uint32(h.Uid), uint32(h.Gid)
	m.Xattrs, m.left = tarXattrs(h)
	var err error
	switch memberType(h) {
	case tar.TypeReg:
		m.holes, err = r.addContent(ctx, tr, h, m.Entry)
	case tar.TypeLink:
		m.Mode, m.HardLink = plan.TypeFile, true
	default:
		err = setNode(m.Entry, h)
	}
	return m, err
}

// leave records the attributes that are left out: those that no entry can have, and all others
// unless rule keeps them. It also records holes.
func (m *tarMember) leave(n *notes, rule manifests.XattrRule) {
	if rule != manifests.XattrsKeep {
		m.left = slices.AppendSeq(m.left, maps.Keys(m.Xattrs))
		m.Xattrs = nil
	}
	n.leave(m.Path, m.left)
	n.hole(m.Path, m.holes)
}

// addContent makes e a regular file, and returns the number of its bytes in holes.
func (r *tarStream) addContent(ctx context.Context, tr *tar.Reader, h *tar.Header, e *plan.Entry) (holes int64, err error) {
	at, err := r.in.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	e.Mode, e.Size, e.Private = plan.TypeFile|permissions(h), h.Size, r.in.private
	if h.Size > 0 {
		e.Data = plan.Data{At: r.in.file, Offset: r.in.offset + at, Stamp: r.in.stamp}
	}
	sparse, err := isSparse(h)
	switch {
	case err != nil:
	case sparse:
		e.Data, holes, err = r.expand(ctx, tr, h.Size)
	case h.Size > r.in.Size()-at:
		err = fmt.Errorf("%w: cut short, the archive has %d of %d bytes", io.ErrUnexpectedEOF, r.in.Size()-at, h.Size)
	}
	return holes, err
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

// expand expands the sparse file at the position of tr. A file that is too large for newc gets
// no data, because the plan refuses it.
func (r *tarStream) expand(ctx context.Context, tr *tar.Reader, size int64) (data plan.Data, holes int64, err error) {
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
