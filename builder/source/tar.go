package source

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// Tar puts what is in a tar archive below Dst. The archive may be compressed.
type Tar struct {
	Item
	Src        string      // a file, a FIFO, or [Stdin]
	Stdin      *os.File    // is read if Src says so, and closed
	Exclude    []plan.Glob // relative to the archive's top; a directory goes with all that is in it
	Optional   bool        // no such archive is fine
	KeepXattrs bool        // take extended attributes, too
	DropXattrs bool        // leave them out without a word
	Whiteouts  bool        // apply the marks of a container's layer
	Archive    int32       // becomes [plan.Entry.Source]: above 0, another one for each archive
}

// Entries reads the archive's headers. Owners, modes and times are the archive's. If
// SOURCE_DATE_EPOCH is set no time is after it, and times are cut to seconds. Directories
// are implied. Contents stay where they are, in the archive or, if that is compressed or a
// stream, in a temporary file without a name. They can be read until closer is closed.
// closer is nil if there was an error, which is of type [plan.Errors], or ctx's.
func (t Tar) Entries(ctx context.Context, clock Clock) (entries []*plan.Entry, closer io.Closer, err error) {
	f, err := t.open(ctx)
	if t.Optional && errors.Is(err, fs.ErrNotExist) {
		t.inputAbove(t.Src)
		return nil, io.NopCloser(nil), nil
	}
	if err != nil {
		return nil, nil, t.problem(ctx, err)
	}
	r := &tarReader{
		Tar: t, clock: clock, file: f.File, stamp: f.stamp, private: f.private,
		excludes: newExcludes(t.Exclude), hidden: map[string]*plan.Entry{}, moved: map[string]string{},
		global: map[string]string{}, layer: layer{apply: t.Whiteouts}, sparse: expander{most: maxSpool},
	}
	err = r.read(ctx)
	if err == nil {
		err = f.check()
	}
	if err == nil {
		problems := r.excludes.unused()
		if marked := r.layer.problem(&t.Item, t.Src); marked != nil {
			problems = append(problems, marked)
		}
		err = problems.Sorted()
	}
	open := closers{f, &r.sparse}
	if err != nil {
		open.Close()
		return nil, nil, t.problem(ctx, err)
	}
	t.holdTimes(r.entries)
	r.noted.tell(&t.Item, !t.DropXattrs)
	return r.entries, open, nil
}

// closers are closed together.
type closers []io.Closer

func (c closers) Close() error {
	var errs []error
	for _, one := range c {
		errs = append(errs, one.Close())
	}
	return errors.Join(errs...)
}

// unchanged checks that f is what it was when info was asked for.
func unchanged(f *os.File, info *unix.Stat_t) error {
	var now unix.Stat_t
	err := unix.Fstat(int(f.Fd()), &now)
	if err == nil && (now.Size != info.Size || stamp(&now) != stamp(info)) {
		err = errors.New("changed while it was read")
	}
	return err
}

// problem gives err its place, unless it has one or is ctx's.
func (t *Tar) problem(ctx context.Context, err error) error {
	if _, ok := errors.AsType[plan.Errors](err); ok || ctx.Err() != nil {
		return err
	}
	return plan.Errors{t.fail(t.Src, err, "")}
}

// tarReader is an archive being read.
type tarReader struct {
	Tar
	clock    Clock
	file     *os.File
	size     int64 // of file
	stamp    plan.Stamp
	private  bool
	excludes *excludes
	hidden   map[string]*plan.Entry // files that are excluded, by name: a hard link may want the content
	moved    map[string]string      // excluded name -> hard link that has got the content
	global   map[string]string      // PAX records for all members from here on
	sparse   expander
	layer    layer
	noted    notes
	text     int // bytes of names, link targets, extended attributes and global records
	entries  []*plan.Entry
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

// bound refuses a member that takes memory for what Linux has no place for, and an
// archive whose members take far more than those of any root: a small tarball can hold
// much of it, compressed.
func (r *tarReader) bound(h *tar.Header) error {
	for _, s := range []string{h.Name, h.Linkname} {
		if len(s) > longestPath {
			return fmt.Errorf("a path of %d bytes, where Linux takes %d at most", len(s), longestPath)
		}
		r.text += len(s)
	}
	if r.KeepXattrs {
		for key, value := range h.PAXRecords {
			r.text += len(key) + len(value)
		}
	}
	return r.full()
}

func (r *tarReader) full() error {
	if r.text > maxText+textShare*len(r.entries) {
		return fmt.Errorf("the paths and extended attributes up to here take more than %d MiB, which those of no root do", maxText>>20)
	}
	return nil
}

const (
	longestPath = 4095     // PATH_MAX without the NUL
	maxText     = 16 << 20 // bytes that names, targets and extended attributes may take
	textShare   = 512      // and so many more for each entry
)

// where says about an error of archive/tar how far it came.
func (r *tarReader) where(err error) error {
	at, seekErr := r.file.Seek(0, io.SeekCurrent)
	switch {
	case err == io.ErrUnexpectedEOF:
		return fmt.Errorf("%w: cut short", err)
	case err == tar.ErrHeader && seekErr == nil:
		return fmt.Errorf("damaged, or with values out of range: no valid header before byte %d", at)
	case err == tar.ErrFieldTooLong && seekErr == nil:
		return fmt.Errorf("an extended header of more than 1 MiB before byte %d", at)
	}
	return err
}

// checkEnd warns of an archive without the two blocks of zeros that end it, which may have
// been cut, and of anything behind these blocks.
func (r *tarReader) checkEnd(ctx context.Context) error {
	end, err := r.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	last := make([]byte, tarBlock)
	if _, err := r.file.ReadAt(last, end-tarBlock); err != nil {
		return err
	}
	if nonzero(last) {
		r.warn("%s: no end of archive after %d bytes: it may have been cut short", r.Src, end)
		return nil
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := (interruptible{ctx, r.file}).Read(buf)
		if nonzero(buf[:n]) {
			r.warn("%s: what is behind the end of the archive, at byte %d, is left out\n  tar --concatenate joins archives, cat does not", r.Src, end)
			return nil
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// add adds a member whose content begins at offset.
func (r *tarReader) add(ctx context.Context, tr *tar.Reader, h *tar.Header) error {
	if h.Typeflag == typeLabel {
		return nil
	}
	offset, err := r.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	name, err := cleanName(h.Name)
	if err != nil {
		return err
	}
	e := r.entry(path.Join(r.Dst, name), 0)
	e.Source, e.Brought = r.Archive, true
	e.MTime = r.clock.clamp(h.ModTime.Unix())
	if !fits(int64(h.Uid)) || !fits(int64(h.Gid)) {
		return fmt.Errorf("owner %d:%d is out of range", h.Uid, h.Gid)
	}
	e.UID, e.GID = uint32(h.Uid), uint32(h.Gid)
	perm := uint32(h.Mode) & 0o7777
	var left []string
	e.Xattrs, left = tarXattrs(h)
	excluded := r.excludes.matchUp(name)
	holes := int64(0)
	switch kind := memberType(h); kind {
	case tar.TypeReg:
		e.Mode, e.Size, e.Private = plan.TypeFile|perm, h.Size, r.private
		if h.Size > 0 {
			e.Data = plan.Data{At: r.file, Offset: offset, Stamp: r.stamp}
		}
		sparse, err := isSparse(h)
		if err == nil && !sparse && h.Size > r.size-offset {
			err = fmt.Errorf("%w: cut short, the archive has %d of %d bytes", io.ErrUnexpectedEOF, r.size-offset, h.Size)
		}
		if err == nil && sparse {
			e.Data, holes, err = r.expand(ctx, tr, h.Size)
		}
		if err != nil {
			return err
		}
		if excluded {
			r.hidden[name] = e
		}
	case tar.TypeLink:
		target, err := cleanName(h.Linkname)
		if err != nil {
			return fmt.Errorf("hard link to %q: %w", h.Linkname, err)
		}
		if excluded {
			break
		}
		if other, ok := r.moved[target]; ok {
			target = other
		}
		if file, ok := r.hidden[target]; ok {
			delete(r.hidden, target)
			r.moved[target] = name
			file.Path = e.Path
			e = file
			break
		}
		e.Mode, e.HardLink, e.Target = plan.TypeFile, true, path.Join(r.Dst, target)
	case tar.TypeSymlink:
		e.Mode, e.Target = plan.TypeLink|0o777, h.Linkname
	case tar.TypeDir:
		e.Mode, e.Implied = plan.TypeDir|perm, true
	case tar.TypeFifo:
		e.Mode = plan.TypeFIFO | perm
	case tar.TypeChar, tar.TypeBlock:
		e.Mode = plan.TypeChar | perm
		if kind == tar.TypeBlock {
			e.Mode = plan.TypeBlock | perm
		}
		if !fits(h.Devmajor) || !fits(h.Devminor) {
			return fmt.Errorf("device %d:%d is out of range", h.Devmajor, h.Devminor)
		}
		e.Major, e.Minor = uint32(h.Devmajor), uint32(h.Devminor)
	case typeContinued:
		return errors.New("goes on from another volume: join the volumes first, as tar -M reads them")
	case typeNames:
		return errors.New("a list of long names as GNU tar wrote it before 1990")
	default:
		return fmt.Errorf("unknown type %q", h.Typeflag)
	}
	if excluded {
		return nil
	}
	taken, err := r.layer.take(e)
	if !r.KeepXattrs {
		left = slices.AppendSeq(left, maps.Keys(e.Xattrs))
		e.Xattrs = nil
	}
	r.noted.leave(e.Path, left)
	r.noted.hole(e.Path, holes)
	r.entries = append(r.entries, taken...)
	return err
}

// expand makes plain content of the sparse file that tr stands at. One that newc cannot
// hold stays without: the plan refuses it.
func (r *tarReader) expand(ctx context.Context, tr *tar.Reader, size int64) (data plan.Data, holes int64, err error) {
	if size > math.MaxUint32 {
		return data, 0, nil
	}
	return r.sparse.expand(ctx, tr, size)
}

// Types of members that GNU tar knows and archive/tar has no names for.
const (
	typeDumpDir   = 'D' // a directory, with the names in it as content
	typeContinued = 'M' // the rest of a file that began on another volume
	typeNames     = 'N'
	typeLabel     = 'V' // of the volume
)
