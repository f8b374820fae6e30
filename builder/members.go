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

func (m *member) add(e *plan.Entry, name string, body int64) {
	if m.size == 0 {
		m.size = cpio.TrailerSize
	}
	m.entries = append(m.entries, e)
	m.size += cpio.EntrySize(name, body)
}

// cut divides the plan into members of size to 2*size bytes, which can be packed
// and unpacked side by side. Folders, nodes and symbolic links come first, so that
// every file finds its parent; the names of one file stay together, since hard
// links do not reach across archives; a file larger than that is a member by
// itself. A root that fits into one member is one.
func (b *build) cut(size int64) []member {
	var whole, nodes member
	var files []member // one a file, with all of its names
	first := map[uint32]int{}
	for i := range b.entries {
		e := &b.entries[i]
		n, body := name(e), bodySize(e)
		if !e.IsFile() {
			nodes.add(e, n, body)
			whole.add(e, n, body)
			continue
		}
		at, again := first[e.Ino]
		if again {
			body = 0
		} else {
			at = len(files)
			files = append(files, member{})
			if e.Nlink > 1 {
				first[e.Ino] = at
			}
		}
		files[at].add(e, n, body)
		whole.add(e, n, body)
	}
	if whole.size <= 2*size {
		return []member{whole}
	}
	members := []member{nodes}
	start := 0
	for i, f := range files {
		if f.size > 2*size {
			members = append(split(members, files[start:i], size), f)
			start = i + 1
		}
	}
	return split(members, files[start:], size)
}

// split appends files to members. What is too much for one is parted before the file
// whose name has the least hash of those that leave size bytes on either side, and
// so on with the parts. So where a file grows, comes or goes, the others stay in the
// members that they were in: with a running count of bytes all later cuts would move.
func split(members, files []member, size int64) []member {
	if len(files) == 0 {
		return members
	}
	total := sum(files)
	if len(files) == 1 || total.size <= 2*size {
		return append(members, total)
	}
	type place struct {
		lopsided int64 // bytes that a part falls short of size
		hash     uint32
	}
	var at int
	var best place
	before := files[0].size
	for i := 1; i < len(files); i++ {
		after := total.size - before + cpio.TrailerSize
		p := place{max(size-min(before, after), 0), crc32.ChecksumIEEE([]byte(files[i].entries[0].Path))}
		if at == 0 || cmp.Or(cmp.Compare(p.lopsided, best.lopsided), cmp.Compare(p.hash, best.hash)) < 0 {
			at, best = i, p
		}
		before += files[i].size - cpio.TrailerSize
	}
	return split(split(members, files[:at], size), files[at:], size)
}

// sum is the member of all of files.
func sum(files []member) member {
	m := member{size: cpio.TrailerSize}
	for _, f := range files {
		m.entries = append(m.entries, f.entries...)
		m.size += f.size - cpio.TrailerSize
	}
	return m
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
	for i, e := range entries {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		h := cpio.Header{
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
