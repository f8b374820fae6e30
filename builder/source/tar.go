package source

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// Tar puts what is in a tar archive below Dst. The archive may be compressed.
type Tar struct {
	Item
	Src        string
	Exclude    []plan.Glob // relative to the archive's top; with a folder goes all that is in it
	Optional   bool        // no such archive is fine
	KeepXattrs bool        // take extended attributes, too
	Archive    int32       // becomes [plan.Entry.Source]: above 0, another one for each archive
}

// Entries reads the archive's headers. Owners, modes and times are the archive's,
// but no time is after SOURCE_DATE_EPOCH, if that is set; times are cut to
// seconds. Folders are implied. Contents stay where they are, in the archive or,
// if that is compressed, in a temporary file that has no name any more: closer
// must stay open until they have been read. It is nil if there was an error,
// which is of type [plan.Errors], or ctx's.
func (t Tar) Entries(ctx context.Context, clock Clock) (entries []*plan.Entry, closer io.Closer, err error) {
	f, err := os.Open(t.Src)
	if t.Optional && errors.Is(err, fs.ErrNotExist) {
		t.inputAbove(t.Src)
		return nil, io.NopCloser(nil), nil
	}
	if err != nil {
		return nil, nil, plan.Errors{t.fail(t.Src, err, "")}
	}
	t.input(t.Src)
	var info unix.Stat_t
	err = unix.Fstat(int(f.Fd()), &info)
	if err == nil && info.Mode&plan.TypeMask != plan.TypeFile {
		err = errors.New("not a regular file")
	}
	var plain *os.File
	if err == nil {
		plain, err = plainTar(ctx, f)
	}
	if err != nil {
		f.Close()
		return nil, nil, t.problem(ctx, err)
	}
	r := &tarReader{
		Tar: t, clock: clock, file: plain, private: closed(&info),
		excludes: newExcludes(t.Exclude), hidden: map[string]*plan.Entry{}, moved: map[string]string{},
	}
	if plain == f {
		r.stamp = stamp(&info)
	}
	err = r.read(ctx)
	if err == nil {
		err = unchanged(f, &info)
	}
	if plain != f {
		f.Close()
	}
	if err == nil {
		err = r.excludes.unused().Sorted()
	}
	if err != nil {
		plain.Close()
		return nil, nil, t.problem(ctx, err)
	}
	return r.entries, plain, nil
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
	stamp    plan.Stamp
	private  bool
	excludes *excludes
	hidden   map[string]*plan.Entry // files that are excluded, by name: a hard link may want the content
	moved    map[string]string      // excluded name -> hard link that has got the content
	entries  []*plan.Entry
}

func (r *tarReader) read(ctx context.Context) error {
	// The reader seeks over contents, and reads no further than a header needs:
	// after Next the file stands at the content.
	tr := tar.NewReader(r.file)
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err == tar.ErrHeader {
			return errors.New("not a tar archive, or a damaged one")
		}
		if err == io.ErrUnexpectedEOF {
			return fmt.Errorf("%w: cut short, or no tar archive", err)
		}
		if err != nil {
			return err
		}
		offset, err := r.file.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if err := r.add(h, offset); err != nil {
			return fmt.Errorf("member %q: %w", h.Name, err)
		}
	}
	end, err := r.file.Seek(0, io.SeekCurrent)
	if err == nil && end == 0 {
		err = errors.New("empty, not even an end of archive")
	}
	return err
}

// add adds a member whose content begins at offset.
func (r *tarReader) add(h *tar.Header, offset int64) error {
	name, err := cleanName(h.Name)
	if err != nil {
		return err
	}
	e := r.entry(path.Join(r.Dst, name), 0)
	e.Source = r.Archive
	e.MTime = r.clock.clamp(h.ModTime.Unix())
	if !fits(int64(h.Uid)) || !fits(int64(h.Gid)) {
		return fmt.Errorf("owner %d:%d is out of range", h.Uid, h.Gid)
	}
	e.UID, e.GID = uint32(h.Uid), uint32(h.Gid)
	perm := uint32(h.Mode) & 0o7777
	if r.KeepXattrs {
		e.Xattrs = tarXattrs(h)
	}
	excluded := r.excludes.matchUp(name)
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeCont:
		if isSparse(h) {
			return errors.New("a sparse file; pack it without --sparse")
		}
		e.Mode, e.Size, e.Private = plan.TypeFile|perm, h.Size, r.private
		if h.Size > 0 {
			e.Data = plan.Data{At: r.file, Offset: offset, Stamp: r.stamp}
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
		if h.Typeflag == tar.TypeBlock {
			e.Mode = plan.TypeBlock | perm
		}
		if !fits(h.Devmajor) || !fits(h.Devminor) {
			return fmt.Errorf("device %d:%d is out of range", h.Devmajor, h.Devminor)
		}
		e.Major, e.Minor = uint32(h.Devmajor), uint32(h.Devminor)
	case tar.TypeGNUSparse:
		return errors.New("a sparse file; pack it without --sparse")
	default:
		return fmt.Errorf("unknown type %q", h.Typeflag)
	}
	if !excluded {
		r.entries = append(r.entries, e)
	}
	return nil
}

// cleanName returns name relative to the archive's top, "." for the top itself.
// Archives hold "x", "./x", "x/" and "/x"; what leads up leads out sooner or
// later.
func cleanName(name string) (string, error) {
	if slices.Contains(strings.Split(name, "/"), "..") {
		return "", errors.New(`".." in the name`)
	}
	return path.Clean(strings.TrimLeft(name, "/")), nil
}

// fits reports whether n is a 32-bit number, as cpio has them.
func fits(n int64) bool { return n >= 0 && n <= math.MaxUint32 }

// isSparse recognises the sparse formats that are regular files to old readers:
// GNU tar writes their records in the PAX header, and archive/tar shows them.
func isSparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}
