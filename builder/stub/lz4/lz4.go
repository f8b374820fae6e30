// Package lz4 decodes lz4 streams of the legacy format, the one that the kernel
// takes: a magic, then blocks of at most 8 MiB unpacked, each behind its packed
// size in 4 bytes, to the end of the input. There is no check in it; whoever needs
// one brings it along.
//
// Blocks are those of lz4_Block_format.md in the lz4 project. The boot stub is
// linked with this package, so it imports next to nothing.
package lz4

import (
	"errors"
	"io"
)

const (
	magic    = 0x184c2102
	maxBlock = 8 << 20
	// An incompressible block grows by a byte in 255, and a few.
	maxPacked = maxBlock + maxBlock/255 + 16
)

var (
	errMagic   = errors.New("lz4: not a stream of the legacy format")
	errCorrupt = errors.New("lz4: corrupt block")
)

// Decoder decodes one stream after another and keeps its buffers. The zero value
// is ready for Reset.
type Decoder struct {
	r       io.Reader
	packed  []byte
	block   []byte // unpacked
	pos     int    // what has been read of block
	started bool
	err     error
}

// Reset makes d decode the stream r.
func (d *Decoder) Reset(r io.Reader) error {
	d.r, d.err, d.started = r, nil, false
	d.block, d.pos = d.block[:0], 0
	return nil
}

// Read implements io.Reader.
func (d *Decoder) Read(p []byte) (int, error) {
	for d.pos == len(d.block) {
		if d.err == nil {
			d.err = d.next()
		}
		if d.err != nil {
			return 0, d.err
		}
	}
	n := copy(p, d.block[d.pos:])
	d.pos += n
	return n, nil
}

// next decodes the next block.
func (d *Decoder) next() error {
	size, err := d.uint32()
	if !d.started && err == nil {
		if size != magic {
			return errMagic
		}
		d.started = true
		size, err = d.uint32()
	}
	if err == io.EOF && !d.started {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	if size == magic { // another stream follows
		return nil
	}
	if size > maxPacked {
		return errCorrupt
	}
	if cap(d.packed) < int(size) {
		d.packed = make([]byte, size)
	}
	d.packed = d.packed[:size]
	if _, err := io.ReadFull(d.r, d.packed); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	d.pos = 0
	d.block, err = decodeBlock(d.block[:0], d.packed)
	return err
}

// uint32 reads a number, io.EOF if the input is at its end.
func (d *Decoder) uint32() (uint32, error) {
	var b [4]byte
	if _, err := io.ReadFull(d.r, b[:]); err != nil {
		return 0, err
	}
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24, nil
}

// decodeBlock appends what src holds to dst. A block is a run of sequences: a token
// with two lengths, literals, and, but for the last, a match: an offset back into
// what has been decoded. A length of 15 goes on in the following bytes.
func decodeBlock(dst, src []byte) ([]byte, error) {
	for len(src) > 0 {
		token := src[0]
		src = src[1:]
		literals, match := int(token>>4), int(token&15)
		var ok bool
		if literals, src, ok = length(literals, src); !ok || literals > len(src) || len(dst)+literals > maxBlock {
			return dst[:0], errCorrupt
		}
		dst = append(dst, src[:literals]...)
		src = src[literals:]
		if len(src) == 0 {
			return dst, nil
		}
		if len(src) < 2 {
			return dst[:0], errCorrupt
		}
		offset := int(src[0]) | int(src[1])<<8
		src = src[2:]
		if match, src, ok = length(match, src); !ok {
			return dst[:0], errCorrupt
		}
		match += 4
		if offset == 0 || offset > len(dst) || len(dst)+match > maxBlock {
			return dst[:0], errCorrupt
		}
		// What overlaps repeats: each round doubles what there is to copy.
		for from := len(dst) - offset; match > 0; {
			n := min(match, len(dst)-from)
			dst = append(dst, dst[from:from+n]...)
			match -= n
		}
	}
	return dst, nil
}

// length reads the rest of a length that begins with n.
func length(n int, src []byte) (int, []byte, bool) {
	if n < 15 {
		return n, src, true
	}
	for i, b := range src {
		n += int(b)
		if b != 255 {
			return n, src[i+1:], true
		}
	}
	return 0, nil, false
}
