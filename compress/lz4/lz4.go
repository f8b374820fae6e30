// Package lz4 decodes lz4 streams of the legacy format, the one that the kernel accepts: a
// magic, then blocks of at most 8 MiB unpacked, each behind its packed size in 4 bytes, to the
// end of the input. The format has no check, so callers add their own.
//
// lz4_Block_format.md in the lz4 project describes blocks. A block is a run of sequences: a
// token with two lengths, literals and, except for the last sequence, a match, which is an
// offset back into the decoded block. A length of 15 goes on in the following bytes. A match
// reaches 64 KiB back, so no more of a block is kept. The boot stub is linked with this
// package, so it imports next to nothing.
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

	history = 64 << 10
)

var (
	errMagic   = errors.New("lz4: not a stream of the legacy format")
	errCorrupt = errors.New("lz4: corrupt block")
)

// Decoder decodes one stream after another. The zero value is ready for Reset.
type Decoder struct {
	r       io.Reader
	started bool
	err     error // what Read returns once out is read

	left   int    // bytes of the block that have not been read from r
	in     []byte // bytes of the block that have been read and not decoded
	length int    // of what has been decoded of the block

	literals int // that are still to be copied
	match    int // the same of the match
	offset   int
	token    byte
	open     bool // after the literals a match follows, unless the block ends

	out  []byte // decoded: history, then what has not been read
	read int    // what has been read of out

	packed   [32 << 10]byte
	unpacked [2 * history]byte
}

// Reset makes d decode the stream r.
func (d *Decoder) Reset(r io.Reader) error {
	d.r, d.started, d.err = r, false, nil
	d.left, d.in, d.literals, d.match, d.open = 0, nil, 0, 0, false
	d.out, d.read = d.unpacked[:0], 0
	return nil
}

// Read implements io.Reader.
func (d *Decoder) Read(p []byte) (int, error) {
	if d.read == len(d.out) && d.err == nil {
		if len(d.out) == cap(d.out) {
			d.read = copy(d.unpacked[:], d.out[len(d.out)-history:])
			d.out = d.unpacked[:d.read]
		}
		d.err = d.fill()
	}
	if d.read == len(d.out) && d.err != nil {
		return 0, d.err
	}
	n := copy(p, d.out[d.read:])
	d.read += n
	return n, nil
}

// fill decodes until out is full.
func (d *Decoder) fill() (err error) {
	for room := cap(d.out) - len(d.out); room > 0 && err == nil; room = cap(d.out) - len(d.out) {
		switch {
		case d.literals > 0:
			if len(d.in) == 0 {
				err = d.more()
			}
			n := min(d.literals, len(d.in), room)
			d.append(d.in[:n])
			d.in = d.in[n:]
			d.literals -= n
		case d.match > 0:
			from := len(d.out) - d.offset
			n := min(d.match, d.offset, room) // what overlaps repeats
			d.append(d.out[from : from+n])
			d.match -= n
		case d.left == 0 && len(d.in) == 0:
			d.open = false
			err = d.next()
		case d.open:
			d.open = false
			err = d.reference()
		default:
			d.open = true
			d.token, err = d.byte()
			if err == nil {
				d.literals, err = d.long(int(d.token >> 4))
			}
		}
	}
	return err
}

func (d *Decoder) append(b []byte) {
	d.out = append(d.out, b...)
	d.length += len(b)
}

// next reads the head of the next block, io.EOF if there is none.
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
	if err != nil || size == magic { // another stream follows
		return err
	}
	if size > maxPacked {
		return errCorrupt
	}
	d.left, d.length = int(size), 0
	return nil
}

// reference reads where a match is and how long.
func (d *Decoder) reference() error {
	low, err := d.byte()
	if err != nil {
		return err
	}
	high, err := d.byte()
	if err != nil {
		return err
	}
	d.offset = int(low) | int(high)<<8
	n, err := d.long(int(d.token & 15))
	if err == nil && (d.offset == 0 || d.offset > d.length || d.length+n+4 > maxBlock) {
		err = errCorrupt
	}
	if err == nil {
		d.match = n + 4
	}
	return err
}

// long reads the rest of a length that begins with n.
func (d *Decoder) long(n int) (int, error) {
	if n < 15 {
		return n, nil
	}
	for n <= maxBlock-d.length {
		b, err := d.byte()
		n += int(b)
		if err != nil || b != 255 {
			return n, err
		}
	}
	return 0, errCorrupt
}

// byte returns the next byte of the block.
func (d *Decoder) byte() (byte, error) {
	if len(d.in) == 0 {
		if err := d.more(); err != nil {
			return 0, err
		}
	}
	b := d.in[0]
	d.in = d.in[1:]
	return b, nil
}

// more reads more of the block, which is not to end here.
func (d *Decoder) more() error {
	if d.left == 0 {
		return errCorrupt
	}
	n, err := io.ReadAtLeast(d.r, d.packed[:min(d.left, len(d.packed))], 1)
	d.in = d.packed[:n]
	d.left -= n
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
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
