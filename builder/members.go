package builder

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// member is a run of entries that becomes one archive.
type member struct {
	entries []*plan.Entry
	size    int64 // bytes of the archive, with its trailer
}

// cut divides the plan into members of size to 2*size bytes, which can be packed
// and unpacked side by side. Folders, nodes and symbolic links come first, so that
// every file finds its parent; the names of one file stay together, since hard
// links do not reach across archives; a file larger than that is a member by
// itself. A root that fits into one member is one.
func (b *build) cut(size int64) []member {
	if whole := newMember(b.entries); whole.size <= 2*size {
		return []member{whole}
	}
	nodes, files := b.arrange()
	members := []member{newMember(nodes)}
	start := 0
	for i := 0; i < len(files); {
		end, length := file(files, i)
		if length+cpio.TrailerSize > 2*size {
			members = append(split(members, files[start:i], size), newMember(files[i:end]))
			start = end
		}
		i = end
	}
	return split(members, files[start:], size)
}

// arrange parts the entries that are no files from those that are, and brings all
// names of a file to its first.
func (b *build) arrange() (nodes, files []*plan.Entry) {
	more := map[uint32][]*plan.Entry{} // all names of files that have several
	for _, e := range b.entries {
		if e.IsFile() && e.Nlink > 1 {
			more[e.Ino] = append(more[e.Ino], e)
		}
	}
	files = make([]*plan.Entry, 0, len(b.entries))
	for _, e := range b.entries {
		switch {
		case !e.IsFile():
			nodes = append(nodes, e)
		case e.Nlink == 1:
			files = append(files, e)
		case e == more[e.Ino][0]:
			files = append(files, more[e.Ino]...)
		}
	}
	return nodes, files
}

// file returns where the names of the file end that is at start of arranged files, and
// how many bytes it takes in an archive.
func file(files []*plan.Entry, start int) (end int, size int64) {
	size = cpio.EntrySize(name(files[start]), files[start].Size)
	for end = start + 1; end < len(files) && files[end].Ino == files[start].Ino; end++ {
		size += cpio.EntrySize(name(files[end]), 0)
	}
	return end, size
}

// newMember is the member of entries.
func newMember(entries []*plan.Entry) member {
	m := member{entries, cpio.TrailerSize}
	seen := map[uint32]bool{} // files with several names
	for _, e := range entries {
		body := bodySize(e)
		if e.IsFile() && e.Nlink > 1 {
			if seen[e.Ino] {
				body = 0
			}
			seen[e.Ino] = true
		}
		m.size += cpio.EntrySize(name(e), body)
	}
	return m
}

// split appends files, as they are arranged, to members. What is too much for one is
// parted before the file whose name has the least hash of those that leave size bytes
// on either side, and so on with the parts. So where a file grows, comes or goes, the
// others stay in the members that they were in: with a running count of bytes all
// later cuts would move.
func split(members []member, files []*plan.Entry, size int64) []member {
	if len(files) == 0 {
		return members
	}
	total := newMember(files)
	at, before := file(files, 0)
	if at == len(files) || total.size <= 2*size {
		return append(members, total)
	}
	type place struct {
		lopsided int64 // bytes that a part falls short of size
		hash     uint32
	}
	var best place
	var path []byte
	for i, first := at, at; i < len(files); {
		after := total.size - before
		path = append(path[:0], files[i].Path...)
		p := place{max(size-min(before+cpio.TrailerSize, after), 0), crc32.ChecksumIEEE(path)}
		if i == first || cmp.Or(cmp.Compare(p.lopsided, best.lopsided), cmp.Compare(p.hash, best.hash)) < 0 {
			at, best = i, p
		}
		end, length := file(files, i)
		before += length
		i = end
	}
	return split(split(members, files[:at], size), files[at:], size)
}

// name is what an entry is called in an archive.
func name(e *plan.Entry) string {
	if e.Path == "/" {
		return "."
	}
	return e.Path[1:]
}

// bodySize is the length of an entry's body, if it is not a further name of a file.
func bodySize(e *plan.Entry) int64 {
	if e.Mode&plan.TypeMask == plan.TypeLink {
		return int64(len(e.Target))
	}
	return e.Size
}

// writeArchive writes one archive of entries to w. The first name of a file
// carries its content, the others none, as in the kernel's gen_init_cpio. Files are
// numbered by their place in the archive, so that it changes only with what is in it.
func (b *build) writeArchive(ctx context.Context, w io.Writer, entries []*plan.Entry) error {
	buffered := bufio.NewWriterSize(w, 256<<10)
	out := cpio.NewWriter(buffered)
	numbers := map[uint32]uint32{} // of files with several names
	var h cpio.Header
	for i, e := range entries {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		h = cpio.Header{
			Name: name(e), Ino: uint32(i + 1), Mode: e.Mode, UID: e.UID, GID: e.GID, Nlink: e.Nlink, MTime: e.MTime,
			Size: bodySize(e), RdevMajor: e.Major, RdevMinor: e.Minor,
		}
		if e.Nlink > 1 && !e.IsDir() {
			if first, again := numbers[e.Ino]; again {
				h.Ino, h.Size = first, 0
			} else {
				numbers[e.Ino] = h.Ino
			}
		}
		if err := out.WriteHeader(&h); err != nil {
			return plan.Errors{{Origin: e.Origin, Path: e.Path, Msg: err.Error(), Cause: err}}
		}
		if h.Size == 0 && (e.Size > 0 || e.Data.Path == "") {
			continue
		}
		if err := writeBody(out, e, h.Size); err != nil {
			return plan.Errors{{Origin: e.Origin, Path: e.Path, Msg: err.Error(), Cause: err}}
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	return buffered.Flush()
}

// writeBody writes the body of e, of which the archive's header says size.
func writeBody(w *cpio.Writer, e *plan.Entry, size int64) error {
	switch {
	case !e.IsFile():
		_, err := io.WriteString(w, e.Target)
		return err
	case e.Data.At != nil:
		_, err := w.ReadFrom(io.NewSectionReader(e.Data.At, e.Data.Offset, size))
		archive, ok := e.Data.At.(*os.File)
		if !ok {
			return err
		}
		if now, _ := stamp(int(archive.Fd())); changed(e, now) {
			err = errChanged
		}
		if err != nil {
			err = fmt.Errorf("read %s: %w", archive.Name(), err)
		}
		return err
	}
	fd, err := unix.Open(e.Data.Path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: e.Data.Path, Err: err}
	}
	defer unix.Close(fd)
	_, err = w.ReadFrom(descriptor(fd))
	if now, length := stamp(fd); err == io.ErrUnexpectedEOF || length != size || changed(e, now) {
		err = errChanged
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", e.Data.Path, err)
	}
	return nil
}

var errChanged = errors.New("it changed while the image was built")

func changed(e *plan.Entry, now plan.Stamp) bool {
	return e.Data.Stamp != (plan.Stamp{}) && e.Data.Stamp != now
}

// stamp returns what an open file is now, and its size.
func stamp(fd int) (plan.Stamp, int64) {
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil {
		return plan.Stamp{}, -1
	}
	return plan.Stamp{Inode: s.Ino, MTime: s.Mtim.Nano()}, s.Size
}

// descriptor is an open file. An os.File would cost a failed epoll_ctl(2) and a
// finalizer for each file of the root.
type descriptor int

func (fd descriptor) Read(p []byte) (int, error) {
	for {
		n, err := unix.Read(int(fd), p)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}
