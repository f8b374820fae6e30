package compress

import (
	"errors"
	"fmt"
	"io"
)

// xzStream walks an xz stream by the format's specification
// (https://tukaani.org/xz/xz-file-format.txt): a header, blocks of LZMA2 chunks,
// an index, a footer. state finds the next piece and sets the state behind it.
type xzStream struct {
	state pieces
	after pieces // the chunks of a block
	check int64  // bytes of the check behind each block
	size  int64  // bytes of the block or index so far
	left  uint64 // numbers of the index to come
}

func xzPieces() pieces {
	x := &xzStream{}
	x.state, x.after = x.header, x.block
	return x.next
}

func (x *xzStream) next(r peeker) (int64, error) { return x.state(r) }

func xzEnd(peeker) (int64, error) { return 0, io.EOF }

func (x *xzStream) header(r peeker) (int64, error) {
	b, err := peek(r, 12)
	if err != nil {
		return 0, err
	}
	x.check = [16]int64{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}[b[7]&15]
	x.state = x.block
	return 12, nil
}

// block is the header of a block, or the byte that begins the index.
func (x *xzStream) block(r peeker) (int64, error) {
	b, err := peek(r, 1)
	if err != nil {
		return 0, err
	}
	if b[0] == 0 {
		x.size = 1
		x.state = x.index
		return 1, nil
	}
	if b, err = peek(r, xzBlockSize(b[0])); err != nil {
		return 0, err
	}
	if _, err := parseXZBlock(b); err != nil {
		return 0, err
	}
	x.size = 0
	x.state = x.chunk
	return int64(len(b)), nil
}

func (x *xzStream) chunk(r peeker) (int64, error) {
	b, err := peek(r, 1)
	if err != nil {
		return 0, err
	}
	control, n := b[0], int64(1)
	switch {
	case control == 0:
		x.size++
		x.state = x.after
		return 1 + -x.size&3 + x.check, nil
	case control <= 2: // not compressed
		if b, err = peek(r, 3); err != nil {
			return 0, err
		}
		n = 3 + 1 + int64(b[1])<<8 + int64(b[2])
	case control >= 0x80:
		if b, err = peek(r, 5); err != nil {
			return 0, err
		}
		n = 5 + 1 + int64(b[3])<<8 + int64(b[4])
		if control >= 0xc0 { // new properties
			n++
		}
	default:
		return 0, fmt.Errorf("LZMA2 chunk of unknown kind %#02x", control)
	}
	x.size += n
	return n, nil
}

// index is the number of records; two numbers a record follow.
func (x *xzStream) index(r peeker) (int64, error) {
	records, n, err := x.number(r)
	x.left = 2 * records
	x.state = x.records
	return n, err
}

func (x *xzStream) records(r peeker) (int64, error) {
	if x.left == 0 {
		x.state = xzEnd
		const sum, footer = 4, 12
		return -x.size&3 + sum + footer, nil
	}
	x.left--
	_, n, err := x.number(r)
	return n, err
}

func (x *xzStream) number(r peeker) (uint64, int64, error) {
	b, err := r.Peek(9)
	v, n := xzNumber(b)
	if n == 0 {
		if err == nil {
			err = errors.New("number in index is too long")
		}
		return 0, 0, cut(err)
	}
	x.size += int64(n)
	return v, int64(n), nil
}

// xzNumber decodes the number that b begins with, of 9 bytes at most and 7 bits
// each. It returns the length, or 0 if b holds no whole number.
func xzNumber(b []byte) (v uint64, n int) {
	for i := 0; i < min(len(b), 9); i++ {
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] == 0 && i > 0 {
			return 0, 0 // longer than it need be
		}
		if b[i] < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}
