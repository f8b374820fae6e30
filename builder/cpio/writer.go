package cpio

import (
	"errors"
	"io"
	"strings"
)

// Writer writes one archive. It refuses entries that the format cannot hold or the kernel would
// silently drop. The one exception is an entry without a parent in front of it: only the caller
// knows whether the parent exists elsewhere.
type Writer struct {
	w      io.Writer
	buf    []byte // header, name and padding of the current entry
	offset int64
	left   int64 // bytes of the body not yet written
	body   io.LimitedReader
	err    error // the first error of w; all later calls return it
}

// NewWriter returns a Writer of one archive to w. It makes one Write for each header and passes
// bodies on unbuffered, so w should be buffered if there are many small files.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Offset returns the number of bytes written so far.
func (w *Writer) Offset() int64 { return w.offset }

// WriteHeader begins an entry. The caller then writes the h.Size bytes of its body with Write.
func (w *Writer) WriteHeader(h *Header) error {
	if err := w.refuse(h); err != nil {
		return err
	}
	return w.writeHeader(h, 0)
}

// WriteAligned is WriteHeader for a body that begins at a multiple of align, itself a multiple of 4, from the
// start of the archive. It puts NULs behind the name, which the kernel ignores.
func (w *Writer) WriteAligned(h *Header, align int64) error {
	if err := w.refuse(h); err != nil {
		return err
	}
	body := w.offset + pad4(headerSize+int64(len(h.Name))+1)
	return w.writeHeader(h, int((align-body%align)%align))
}

func (w *Writer) refuse(h *Header) error {
	switch t := h.Mode & TypeMask; {
	case w.err != nil:
		return w.err
	case w.left > 0:
		return w.fault("the body of the entry before is incomplete")
	case h.Name == "":
		return w.fault("empty name")
	case h.Name == Trailer:
		return w.fault("the name " + Trailer + " would end the archive")
	case len(h.Name) >= PathMax:
		return w.fault("name of 4096 bytes or more")
	case strings.IndexByte(h.Name, 0) >= 0:
		return w.fault("NUL in name")
	case h.MTime < 0 || h.MTime > MaxTime:
		return w.fault("mtime outside 1970-01-01 .. 2106-02-07")
	case h.Size < 0 || h.Size > MaxSize:
		return w.fault("size of 4 GiB or more")
	case t == TypeFile:
		return nil
	case t == TypeLink && h.Size == 0:
		return w.fault("empty link target")
	case t == TypeLink && h.Size >= PathMax:
		return w.fault("link target of 4096 bytes or more")
	case t == TypeLink:
		return nil
	case t != TypeDir && t != TypeChar && t != TypeBlock && t != TypeFIFO && t != TypeSocket:
		return w.fault("unknown file type")
	case h.Size != 0:
		return w.fault("only files and symbolic links have a body")
	}
	return nil
}

func (w *Writer) fault(msg string) error { return &Error{w.offset, msg} }

// writeHeader writes a header and its name with so many further NULs.
func (w *Writer) writeHeader(h *Header, nuls int) error {
	b := append(w.buf[:0], magic...)
	for _, v := range [...]uint32{
		h.Ino, h.Mode, h.UID, h.GID, h.Nlink, uint32(h.MTime), uint32(h.Size),
		h.DevMajor, h.DevMinor, h.RdevMajor, h.RdevMinor, uint32(len(h.Name) + 1 + nuls), 0,
	} {
		b = appendHex(b, v)
	}
	b = append(b, h.Name...)
	b = append(b, make([]byte, 1+nuls)...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	w.buf = b
	w.left = h.Size
	return w.write(b)
}

// Write writes the next bytes of the body.
func (w *Writer) Write(p []byte) (int, error) {
	switch {
	case w.err != nil:
		return 0, w.err
	case int64(len(p)) > w.left:
		return 0, w.fault("body longer than its size")
	}
	w.left -= int64(len(p))
	if err := w.write(p); err != nil {
		return 0, err
	}
	if w.left > 0 {
		return len(p), nil
	}
	return len(p), w.pad()
}

// pad writes the padding behind a body.
func (w *Writer) pad() error {
	if w.offset%4 == 0 {
		return nil
	}
	return w.write(zeros[:4-w.offset%4])
}

// ReadFrom writes the rest of the body from r, and reads no further. If the underlying writer
// is buffered, r reads directly into its buffer.
func (w *Writer) ReadFrom(r io.Reader) (int64, error) {
	if w.err != nil {
		return 0, w.err
	}
	w.body = io.LimitedReader{R: r, N: w.left}
	n, err := io.Copy(w.w, &w.body)
	w.offset += n
	w.left -= n
	if err != nil {
		w.err = err
		return n, err
	}
	if w.left > 0 {
		return n, io.ErrUnexpectedEOF
	}
	return n, w.pad()
}

// Close ends the archive with its trailer. It does not close the underlying writer, and pads to
// a multiple of 4 only.
func (w *Writer) Close() error {
	switch {
	case w.err != nil:
		return w.err
	case w.left > 0:
		return w.fault("the body of the last entry is incomplete")
	}
	if err := w.writeHeader(&Header{Name: Trailer, Nlink: 1}, 0); err != nil {
		return err
	}
	w.err = errClosed
	return nil
}

var errClosed = errors.New("cpio: archive is closed")

func (w *Writer) write(p []byte) error {
	n, err := w.w.Write(p)
	w.offset += int64(n)
	w.err = err
	return err
}

var zeros [3]byte

func appendHex(b []byte, v uint32) []byte {
	const digits = "0123456789ABCDEF"
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, digits[v>>shift&15])
	}
	return b
}
