//go:build linux

package unpack

import (
	"io"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// Pieces is a stream that comes in pieces of any size, such as the output of a decoder.
type Pieces interface {
	// Next returns a piece, which is valid until the following call, or an error: io.EOF at
	// the end.
	Next() ([]byte, error)
}

// Source is a [cpio.Source] of pieces. Files are written straight from them.
type Source struct {
	from Pieces
	cur  []byte // what comes next
	rest []byte // what comes then, of the same piece
	// A header or a name that lies in several pieces is put together here.
	joined [2 * cpio.PathMax]byte
	taken  int64
}

// NewSource returns a Source that stands before the first piece.
func NewSource(from Pieces) *Source { return &Source{from: from} }

// Size implements cpio.Source. It returns the largest value: a stream has no known size.
func (s *Source) Size() int { return max(len(s.cur), len(s.joined)) }

// Peek implements cpio.Source.
func (s *Source) Peek(n int) ([]byte, error) {
	for len(s.cur) < n {
		if err := s.more(); err != nil {
			return s.cur, err
		}
	}
	return s.cur[:n], nil
}

// Discard implements cpio.Source.
func (s *Source) Discard(n int) (int, error) {
	for left := n; left > 0; {
		if len(s.cur) == 0 {
			if err := s.more(); err != nil {
				return n - left, err
			}
		}
		step := min(left, len(s.cur))
		s.cur = s.cur[step:]
		left -= step
	}
	return n, nil
}

// Read implements io.Reader.
func (s *Source) Read(p []byte) (int, error) {
	if len(s.cur) == 0 && len(p) > 0 {
		if err := s.more(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.cur)
	s.cur = s.cur[n:]
	return n, nil
}

// more makes cur longer.
func (s *Source) more() (err error) {
	if len(s.cur) > 0 {
		s.cur = s.joined[:copy(s.joined[:], s.cur)]
	}
	if len(s.rest) == 0 {
		s.rest, err = s.from.Next()
		s.taken += int64(len(s.rest))
		if err != nil {
			return err
		}
	}
	if len(s.cur) == 0 {
		s.cur, s.rest = s.rest, nil
		return nil
	}
	n := copy(s.joined[len(s.cur):], s.rest)
	s.cur, s.rest = s.joined[:len(s.cur)+n], s.rest[n:]
	return nil
}

// Drain skips the rest and returns how many bytes there were in all.
func (s *Source) Drain() (int64, error) {
	for {
		s.cur = nil
		if err := s.more(); err != nil {
			if err == io.EOF {
				err = nil
			}
			return s.taken, err
		}
	}
}
