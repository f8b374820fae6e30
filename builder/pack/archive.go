package pack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/layout"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/hostfile"
)

// writeArchive writes one archive of items to w. Files are numbered by the position of their
// first name in the archive, so the archive depends on its items alone. The watcher, which may
// be nil, sees the first bytes of the files that it wants. The watcher and errors get the first
// name of a file.
func writeArchive(ctx context.Context, w io.Writer, items []layout.Item, watcher Watcher) error {
	buffered := bufio.NewWriterSize(&cancelable{ctx, w}, 256<<10)
	out := cpio.NewWriter(buffered)
	numbers := map[*plan.Entry]uint32{} // of files with several names, by the first
	var h cpio.Header
	var start head
	for i, it := range items {
		e := it.Entry
		h = cpio.Header{
			Name: it.Name, Ino: uint32(i + 1), Mode: e.Mode, UID: e.UID, GID: e.GID, Nlink: e.Nlink, MTime: e.MTime,
			Size: it.BodySize(), RdevMajor: e.Major, RdevMinor: e.Minor,
		}
		switch {
		case e.First != nil:
			h.Ino = numbers[e.First]
		case e.Nlink > 1 && !e.IsDir():
			numbers[e] = h.Ino
		}
		if err := out.WriteHeader(&h); err != nil {
			return ofEntry(e, err)
		}
		file := e.File()
		if it.Empty || h.Size == 0 && file.Data.Path == "" {
			continue
		}
		var seen *head
		if watcher != nil && watcher.Wants(file) {
			seen = &start
		}
		if err := writeBody(out, file, h.Size, seen); err != nil {
			return ofEntry(file, err)
		}
		if seen != nil {
			watcher.Look(file, seen.kept[:seen.n])
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	return buffered.Flush()
}

// Cancelable returns a reader of r that fails once ctx is done.
func Cancelable(ctx context.Context, r io.Reader) io.Reader { return &cancelableReader{ctx, r} }

type cancelableReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelableReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}

// cancelable is a writer that fails once ctx is done.
type cancelable struct {
	ctx context.Context
	w   io.Writer
}

func (c *cancelable) Write(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.w.Write(p)
}

// writeBody writes the body of e, which must have size bytes, as in the archive's header. A
// file's content goes through seen, unless that is nil.
func writeBody(w *cpio.Writer, e *plan.Entry, size int64, seen *head) error {
	switch {
	case !e.IsFile():
		_, err := io.WriteString(w, e.Target)
		return err
	case e.Data.At != nil:
		_, err := w.ReadFrom(seen.of(io.NewSectionReader(e.Data.At, e.Data.Offset, size)))
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
	file, err := hostfile.Open(e.Data.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = w.ReadFrom(seen.of(file))
	if now, length := stamp(int(file)); err == io.ErrUnexpectedEOF || length != size || changed(e, now) {
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

// stamp returns the current state of an open file, and its size.
func stamp(fd int) (plan.Stamp, int64) {
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil {
		return plan.Stamp{}, -1
	}
	return plan.Stamp{Inode: s.Ino, MTime: s.Mtim.Nano()}, s.Size
}
