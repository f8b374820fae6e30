// Package gzip decodes gzip streams (RFC 1952) and does nothing else. The boot stub is linked
// with it. The decoder of the standard library would add 260 KB and take three to four times
// as long.
//
// A stream is a header, deflated data (RFC 1951) and a trailer. The data is a run of
// blocks. A block holds raw bytes, or symbols of two Huffman codes: one of literals and
// of the lengths of matches, one of the offsets at which these lie in what has been
// decoded.
//
//	gzip.go     the reader that a caller sees, header and trailer
//	input.go    compressed bytes
//	inflate.go  blocks, and the loop that decodes their symbols
//	huffman.go  codes
//
// Nothing in the input is trusted: all damage is an error, except in a header, because its own
// sum is not checked.
package gzip

import (
	"errors"
	"hash/crc32"
	"io"
)

// Decoder decodes one stream after another. The zero value is ready for Reset.
type Decoder struct {
	in      input
	step    func(*Decoder) error // what comes next in the stream
	err     error                // what Read returns once pending is used up
	pending []byte               // decoded and not yet read, in out

	bits  uint64 // the next bits of the stream, the first one lowest
	count uint   // how many of them are valid
	last  bool   // the block is the last one
	left  int    // bytes that are left of a raw block

	out      [history + room + margin]byte
	pos      int // where in out the next byte goes
	passed   int // up to where out has been passed on
	sum      uint32
	size     uint32 // of what was passed on, modulo 1<<32
	literals literalCode
	offsets  offsetCode
	fixed    bool // these are the codes of a block that does not bring any
}

const (
	history = 32 << 10 // how far back a match may lie
	room    = 64 << 10 // what is decoded at once
	margin  = 512      // what one round of the loop may write beyond that
)

// Input is a reader that a stream can be taken from without taking more. A
// bufio.Reader is one.
type Input interface {
	Peek(n int) ([]byte, error)
	Discard(n int) (int, error)
	Buffered() int
}

// Reset makes d decode the stream at the start of r. If r is an [Input] it stands behind the
// stream once Read has returned io.EOF. Any other r must end there. The error is nil: Read is
// the first to read from r.
func (d *Decoder) Reset(r io.Reader) error {
	d.in.reset(r)
	d.step, d.err, d.pending = (*Decoder).header, nil, nil
	d.bits, d.count = 0, 0
	d.pos, d.passed, d.sum, d.size = 0, 0, 0, 0
	return nil
}

// Read reads decoded data.
func (d *Decoder) Read(p []byte) (int, error) {
	if len(d.pending) == 0 && len(p) > 0 {
		b, err := d.Next()
		if err != nil {
			return 0, err
		}
		d.pending = b
	}
	n := copy(p, d.pending)
	d.pending = d.pending[n:]
	return n, nil
}

// Next returns decoded data like Read, but in place. It is valid until the next call of
// either.
func (d *Decoder) Next() ([]byte, error) {
	for len(d.pending) == 0 && d.err == nil {
		if d.pos >= history+room {
			d.pos = copy(d.out[:], d.out[d.pos-history:d.pos])
			d.passed = d.pos
		}
		d.err = d.step(d)
		d.pending = d.out[d.passed:d.pos]
		d.passed = d.pos
		d.sum = crc32.Update(d.sum, crc32.IEEETable, d.pending)
		d.size += uint32(len(d.pending))
	}
	b := d.pending
	d.pending = nil
	if len(b) == 0 {
		return nil, d.err
	}
	return b, nil
}

// header reads the header of a stream: RFC 1952, 2.3.
func (d *Decoder) header() error {
	b, err := d.in.take(10)
	if err != nil {
		return err
	}
	if b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 {
		return fault("bad magic")
	}
	flags := b[3]
	if flags&^0x1f != 0 {
		return fault("reserved bit of a header is set")
	}
	if flags&4 != 0 {
		if b, err = d.in.take(2); err != nil {
			return err
		}
		for n := int(b[0]) | int(b[1])<<8; n > 0; n-- {
			if _, err := d.in.take(1); err != nil {
				return err
			}
		}
	}
	for flag := byte(8); flag <= 16; flag <<= 1 { // a name, a comment
		for more := flags&flag != 0; more; more = b[0] != 0 {
			if b, err = d.in.take(1); err != nil {
				return err
			}
		}
	}
	if flags&2 != 0 {
		if _, err := d.in.take(2); err != nil {
			return err
		}
	}
	d.step = (*Decoder).block
	return nil
}

// trailer reads the trailer of a stream, and compares it with the decoded data.
func (d *Decoder) trailer() error {
	b, err := d.in.take(8)
	if err != nil {
		return err
	}
	sum, size := little(b), little(b[4:])
	end := d.in.end()
	if sum != d.sum {
		return ErrSum
	}
	if size != d.size {
		return ErrSize
	}
	return end
}

// Errors of the trailer: the data is not the data that was compressed. The input stands behind
// the stream.
var (
	ErrSum  = errors.New("gzip: checksum does not match")
	ErrSize = errors.New("gzip: size does not match")
)

func little(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

//go:noinline
func fault(msg string) error { return errors.New("gzip: " + msg) }
