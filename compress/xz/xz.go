// Package xz decodes xz streams and does nothing else. The boot stub is linked
// with it, and a general library costs the stub half its size; so this one has a
// few small files and imports next to nothing.
//
// It accepts what the kernel accepts (lib/xz), except filters for machine code. A stream is a
// header, blocks, an index and a footer. Section numbers are those of the specification
// (https://tukaani.org/xz/xz-file-format.txt). A block is a run of LZMA2 chunks, of at most 64
// KiB packed and 2 MiB unpacked. A chunk holds raw bytes, or symbols of LZMA, literals and
// matches, in a range code. Decoded data goes to a window, from which both Read and later
// matches copy.
//
//	xz.go      the reader that a caller sees
//	stream.go  what is around the blocks
//	block.go   blocks, their chunks, and the window
//	lzma.go    the symbols of a chunk
//
// The check of a block is CRC32 or none. Nothing in the input is trusted: damage is an error,
// and memory is bounded by MaxWindow and by the number of blocks.
package xz

import (
	"errors"
	"io"
)

// MaxWindow is the largest dictionary that is decoded, in bytes. The levels of xz have 64 MiB
// at most.
const MaxWindow = 128 << 20

// Decoder decodes one stream after another and keeps its buffers. The zero value is ready for
// Reset.
type Decoder struct {
	r      io.Reader
	offset int64 // in r
	in     input

	step    func(*Decoder) error // what comes next in the stream
	err     error                // what Read returns once pending is used up
	pending []byte               // decoded and not yet read, in the window

	flags   [2]byte // of the stream
	check   int     // bytes of the check of a block
	blocks  int64
	records []byte // of the blocks, as the index has to hold them
	index   []byte

	block  block
	chunk  chunk
	window window
	lzma   lzma
}

// Reset makes d decode the stream r. It drops the rest of the previous one. With a nil r it
// does no more. The error is nil: Read is the first to read from r.
func (d *Decoder) Reset(r io.Reader) error {
	d.r, d.offset = r, 0
	d.step, d.err, d.pending = (*Decoder).streamHeader, nil, nil
	return nil
}

// Read reads decoded data. It returns io.EOF where the input ends after a whole
// stream. More input is an error.
func (d *Decoder) Read(p []byte) (int, error) {
	if d.r == nil {
		return 0, fault("read without an input")
	}
	for len(d.pending) == 0 && d.err == nil && len(p) > 0 {
		d.err = d.step(d)
	}
	if len(d.pending) == 0 && d.err != nil {
		return 0, d.err
	}
	n := copy(p, d.pending)
	d.pending = d.pending[n:]
	return n, nil
}

// input is a chunk at most, with a margin behind it.
type input [maxPacked + margin]byte

// take returns the next n bytes of the input. They stay where they are until the
// next call.
func (d *Decoder) take(n int) ([]byte, error) {
	b := d.in[:n]
	return b, d.read(b)
}

func (d *Decoder) read(b []byte) error {
	n, err := io.ReadFull(d.r, b)
	d.offset += int64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

//go:noinline
func fault(msg string) error { return errors.New("xz: " + msg) }

func little(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

func put(b []byte, v uint32) []byte {
	return append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
}
