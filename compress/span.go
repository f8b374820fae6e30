package compress

import (
	"bufio"
	"errors"
	"io"
)

// span passes on the bytes of one stream and no more, for decoders that read ahead. It knows
// only the skeleton of a format: where the next piece ends.
type span struct {
	r    *bufio.Reader
	left int64
	next pieces
	err  error
}

// pieces looks ahead and returns how many bytes the next piece of a stream has, and
// io.EOF where the stream ends.
type pieces func(peeker) (int64, error)

type peeker interface {
	Peek(n int) ([]byte, error)
}

func (s *span) Read(p []byte) (int, error) {
	for s.left == 0 && s.err == nil {
		s.left, s.err = s.next(s.r)
	}
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	if err != nil {
		s.err = cut(err)
	}
	return n, s.err
}

// peek returns the next n bytes, which are part of a stream.
func peek(r peeker, n int) ([]byte, error) {
	b, err := r.Peek(n)
	return b, cut(err)
}

// cut replaces io.EOF by the error of a stream that is cut.
func cut(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// spanReader decodes the bytes from a span. An error of the span is more accurate than one of
// the decoder: some decoders take any end of their input for the end of the stream.
type spanReader struct {
	io.Reader
	span  *span
	close func()
}

func (r *spanReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	switch {
	case r.span.err != nil && r.span.err != io.EOF:
		err = r.span.err
	case err == io.EOF && r.span.err == nil:
		err = errors.New("the stream goes on behind its end")
	}
	return n, err
}

func (r *spanReader) Close() error {
	if r.close != nil {
		r.close()
	}
	return nil
}
