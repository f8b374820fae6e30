package cpio

import (
	"bufio"
	"bytes"
	"io"
)

// Source is the input of a Reader: a *bufio.Reader, or a type that can skip bodies without
// reading them.
type Source interface {
	io.Reader
	Peek(n int) ([]byte, error)
	Discard(n int) (int, error)
	Size() int // of the buffer; Peek returns at most so many bytes
}

// Reader reads one archive. It does not trust its input: it bounds every length before use, and
// every error has an offset.
type Reader struct {
	r      Source
	h      Header
	offset int64
	left   int64 // bytes of the body that have not been read
	err    error // of the last Next; all later calls repeat it
}

// bufferSize holds the longest header with its name and is the size of the
// writes that WriteTo makes.
const bufferSize = 64 << 10

// NewReader returns a Reader of the archive that begins at the position of r. If r is a
// [Source] with a buffer of 8 KiB or more, it stands right behind the archive once Next has
// returned io.EOF. Any other r is read ahead.
func NewReader(r io.Reader) *Reader {
	if b, ok := r.(Source); ok && b.Size() >= 2*PathMax {
		return ReadSource(b)
	}
	return ReadSource(bufio.NewReaderSize(r, bufferSize))
}

// ReadSource is NewReader for a Source with a buffer of 8 KiB or more. It saves the boot stub
// the 8 KB of code of bufio.
func ReadSource(r Source) *Reader { return &Reader{r: r} }

// Offset returns the number of bytes of the archive that have been read.
func (r *Reader) Offset() int64 { return r.offset }

// Next skips the rest of the current entry and returns the next one, which is valid until the
// following call. It returns io.EOF after the trailer. Input that ends before the trailer is an
// error. After an error all calls return that error.
func (r *Reader) Next() (*Header, error) {
	if r.err == nil {
		r.err = r.next()
	}
	if r.err != nil {
		return nil, r.err
	}
	return &r.h, nil
}

func (r *Reader) next() error {
	if err := r.skip(r.left); err != nil {
		return err
	}
	r.left = 0
	if err := r.align(); err != nil {
		return err
	}
	nameSize, err := r.header()
	if err != nil {
		return err
	}
	if err := r.name(nameSize); err != nil {
		return err
	}
	if r.h.Name == Trailer {
		return r.trailer()
	}
	r.left = r.h.Size
	return r.align()
}

// trailer ends the archive. Some writers leave out the padding of the last trailer.
func (r *Reader) trailer() error {
	if r.h.Size != 0 {
		return r.fault("trailer with a body")
	}
	for r.offset%4 != 0 {
		if b, err := r.r.Peek(1); err != nil || b[0] != 0 {
			break
		}
		if err := r.discard(1); err != nil {
			return err
		}
	}
	return io.EOF
}

func (r *Reader) header() (nameSize int64, err error) {
	b, err := r.peek(headerSize)
	if err != nil {
		return 0, err
	}
	f, msg := ParseFields(b)
	if msg != "" {
		return 0, r.fault(msg)
	}
	r.h = f.Header
	if f.NameSize == 0 || f.NameSize > PathMax {
		return 0, r.fault("name size out of range")
	}
	return int64(f.NameSize), r.discard(headerSize)
}

func (r *Reader) name(size int64) error {
	b, err := r.peek(int(size))
	if err != nil {
		return err
	}
	if bytes.IndexByte(b, 0) != len(b)-1 {
		return r.fault("name does not end with its first NUL")
	}
	r.h.Name = string(b[:len(b)-1])
	return r.discard(int(size))
}

// Read reads from the body of the current entry and returns io.EOF at its end.
func (r *Reader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > r.left {
		p = p[:r.left]
	}
	n, err := r.r.Read(p)
	r.advance(n)
	return n, r.source(err)
}

// WriteTo writes the rest of the body to w, directly from the buffer.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	var n int64
	for r.left > 0 {
		want := int64(r.r.Size())
		if want > r.left {
			want = r.left
		}
		b, err := r.peek(int(want))
		if err != nil {
			return n, err
		}
		m, err := w.Write(b)
		n += int64(m)
		if err != nil {
			return n, err
		}
		if err := r.discard(m); err != nil {
			return n, err
		}
		r.left -= int64(m)
	}
	return n, nil
}

func (r *Reader) skip(n int64) error {
	for n > 0 {
		step := int(min(n, 1<<30))
		if err := r.discard(step); err != nil {
			return err
		}
		n -= int64(step)
	}
	return nil
}

func (r *Reader) align() error { return r.discard(int(pad4(r.offset) - r.offset)) }

func (r *Reader) peek(n int) ([]byte, error) {
	b, err := r.r.Peek(n)
	return b, r.source(err)
}

func (r *Reader) discard(n int) error {
	n, err := r.r.Discard(n)
	r.offset += int64(n)
	return r.source(err)
}

func (r *Reader) advance(n int) {
	r.offset += int64(n)
	r.left -= int64(n)
}

// source turns io.EOF into a fault, because the archive is not complete here.
func (r *Reader) source(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return r.fault(Cut)
	}
	return err
}

func (r *Reader) fault(msg string) error { return &Error{r.offset, msg} }
