package image

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/magic"
)

// maxPlan is far more bytes than a boot plan has.
const maxPlan = 1 << 20

// entry visits an entry and, if it is a member, the entries of the member.
func (w *walker) entry(e *Entry, b *entryBody) error {
	var content io.Reader = b
	var err error
	ours := w.member == "" && strings.Contains(e.Name, bootplan.Dir)
	switch {
	case e.Type() == cpio.TypeLink && w.member == "":
		content = strings.NewReader(e.Link)
	case e.Type() == cpio.TypeLink:
		var target []byte
		target, err = b.all(e.Size, cpio.PathMax-1)
		e.Link = string(target)
		content = strings.NewReader(e.Link)
	case ours && e.Path() == "/"+bootplan.Path:
		w.info.Plan, err = b.all(e.Size, maxPlan)
		w.whole.once = storedOnce(w.info.plan())
		content = bytes.NewReader(w.info.Plan)
	case ours && e.Path() == "/"+bootplan.Xattrs && !w.outer:
		w.whole.xattrs = true
		return w.visitXattrs(e, b)
	}
	if err != nil {
		return fmt.Errorf("read %q: %w", e.Name, err)
	}
	before := b.archive.Offset()
	if err := w.visited(e, content, b); err != nil {
		return err
	}
	name := ""
	if ours {
		name = memberName(e)
	}
	switch {
	case name == "":
		w.whole.count(e)
	case w.outer || b.taken || b.archive.Offset() != before:
		m := w.whole.member(name, e.Size)
		if b.taken {
			m.sumFile(b.at+b.archive.Offset(), e.Size)
		}
	default:
		if err := w.through(name, e, b); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// visited calls visit, and keeps its error unless the image is at fault.
func (w *walker) visited(e *Entry, content io.Reader, b *entryBody) error {
	err := w.visit(e, content)
	if err != nil && b.err == nil {
		w.stopped = err
	}
	return err
}

// visitXattrs reads the table of extended attributes while it is visited.
func (w *walker) visitXattrs(e *Entry, b *entryBody) error {
	in, out := io.Pipe()
	read := make(chan error)
	go func() {
		var err error
		w.info.Xattrs, err = readXattrs(in)
		in.CloseWithError(err)
		read <- err
	}()
	table := io.TeeReader(b, out)
	err := w.visited(e, table, b)
	if err == nil {
		_, err = io.Copy(io.Discard, struct{ io.Reader }{table})
	}
	out.CloseWithError(err)
	if readErr := <-read; err == nil || readErr != nil && w.stopped == nil && b.err == nil {
		err = readErr
	}
	if err != nil && w.stopped == nil {
		err = fmt.Errorf("read %q: %w", e.Name, err)
	}
	return err
}

// memberName returns the base name of a member, or "" for any other entry.
func memberName(e *Entry) string {
	name := e.Path()
	digits, ok := strings.CutPrefix(name, "/"+bootplan.MembersPrefix)
	if !ok || len(digits) < 4 || strings.Trim(digits, "0123456789") != "" || e.Type() != cpio.TypeFile {
		return ""
	}
	return strings.TrimPrefix(name, "/"+bootplan.Dir+"/")
}

// through walks the one archive of a member.
func (w *walker) through(name string, e *Entry, b *entryBody) error {
	w.member = name
	defer func() { w.member = "" }()
	m := w.whole.member(name, e.Size)
	begin := b.begin + b.archive.Offset()
	at := b.offset()
	var r *skipReader
	if at >= 0 && at+e.Size <= w.file.size {
		r = w.file.from(at, at+e.Size)
		m.sumFile(at, e.Size)
	} else {
		at, r = -1, newSkipReader(m.sumAlong(b))
	}
	codec, err := detect(r, 0, false)
	if err == nil && codec == nil {
		head, _ := r.Peek(magic.HeadSize)
		err = errors.New(describe(head))
	}
	if err != nil {
		return err
	}
	if at >= 0 && codec.Name != compress.None && w.ahead != nil && len(w.ahead.streams) == 0 {
		w.ahead.findMembers(at - cpio.EntrySize(e.Name, 0))
	}
	position := func() int64 { return begin + r.position() }
	s := Segment{Index: e.Segment}
	if err := w.segment(r, &s, codec, at, position); err != nil {
		if b.err != nil {
			return b.err // the codec is not at fault
		}
		return err
	}
	m.unpacked = s.Unpacked
	switch _, err := skipZeros(r); err {
	case nil:
		return errors.New("junk behind its archive")
	case io.EOF:
		return nil
	default:
		return err
	}
}

// entryBody reads the body of the current entry. It keeps its errors, so that they can be told
// from those of a visitor.
type entryBody struct {
	archive entryReader
	begin   int64 // of the archive, in the unpacked segment
	at      int64 // of the archive, in the image, or -1 if it has to be unpacked or read in order
	file    *imageFile
	size    int64
	taken   bool // section was called
	summed  bool // reading it finds out whether it is damaged
	err     error
}

// offset returns where in the image the rest of the body is, or -1.
func (b *entryBody) offset() int64 {
	if b.at < 0 {
		return -1
	}
	return b.at + b.archive.Offset()
}

// section returns the body as a part of the image that can be read at any time, or nil.
func (b *entryBody) section() *io.SectionReader {
	at := b.offset()
	if at < 0 || b.summed || at+b.size > b.file.size {
		return nil
	}
	b.taken = true
	return io.NewSectionReader(b.file, b.file.begin+at, b.size)
}

func (b *entryBody) Read(p []byte) (int, error) {
	n, err := b.archive.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// WriteTo writes the body from the buffer that it is read into.
func (b *entryBody) WriteTo(w io.Writer) (int64, error) {
	out := &errWriter{w: w}
	n, err := b.archive.WriteTo(out)
	if err != nil && out.err == nil {
		b.err = err
	}
	return n, err
}

type errWriter struct {
	w   io.Writer
	err error
}

func (w *errWriter) Write(p []byte) (n int, err error) {
	n, w.err = w.w.Write(p)
	return n, w.err
}

// all returns the body of size bytes, or fewer if the image ends before. A size above most
// is an error.
func (b *entryBody) all(size, most int64) ([]byte, error) {
	if size > most {
		return nil, fmt.Errorf("%d bytes, at most %d are possible", size, most)
	}
	if size > cpio.PathMax { // the header may lie: allocate as bytes come
		return io.ReadAll(b)
	}
	data := make([]byte, size)
	n, err := io.ReadFull(b, data)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return data[:n], err
}

// hardLinks holds the files that may have more names, of all archives since the last trailer.
// The kernel identifies a file by inode, device and type, and hardLinks does the same. It
// counts the names to know whether more may come.
type hardLinks map[inode]firstName

type inode struct{ ino, major, minor, kind uint32 }

type firstName struct {
	name string
	file int64
}

// find returns the first name of the file of h, or "" if this name is the first. It also
// returns the number of the first entry of the file.
func (l *hardLinks) find(h *cpio.Header, number int64) (string, int64) {
	kind := h.Type()
	if h.Nlink < 2 || kind == cpio.TypeDir || kind == cpio.TypeLink {
		return "", number
	}
	f := inode{h.Ino, h.DevMajor, h.DevMinor, kind}
	first, ok := (*l)[f]
	if !ok {
		if *l == nil {
			*l = hardLinks{}
		}
		(*l)[f] = firstName{h.Name, number}
		return "", number
	}
	return first.name, first.file
}
