// Package zstd decodes Zstandard (RFC 8878) and does nothing else. The boot stub
// is linked with it, and a general library costs the stub half its size; so this
// one has a few small files and imports nothing of weight.
//
// Data is a run of frames, and a frame is a run of blocks. A block of at most 128 KiB is the
// unit of work: it is read whole, because its bit streams are read from the back. A compressed
// block holds literals with a Huffman code, and sequences with three codes of finite state
// entropy (FSE). A sequence copies some literals, then a number of bytes from some distance
// back. Decoded data goes to a window, from which both Read and later sequences copy.
//
//	decoder.go    frames, and the reader that a caller sees
//	input.go      compressed bytes, with room around them
//	block.go      the three types of block
//	literals.go   a block's literals; huffman.go their code
//	sequences.go  a block's sequences; fse.go their codes
//	window.go     what has been decoded, and copying in it
//	bits.go       reading bits; xxh64.go the checksum
//
// Dictionaries are not supported. A window is at most 128 MiB, as in the kernel.
//
// Nothing in the input is trusted: damage is an [Error], and memory is bounded by the window.
package zstd

import (
	"errors"
	"io"
	"strconv"
)

const (
	// MaxWindow is the largest window that is decoded, in bytes. It is that of the
	// kernel (lib/decompress_unzstd.c).
	MaxWindow = 128 << 20

	maxBlock = 128 << 10 // RFC 8878, 3.1.1.2.4

	unknown = 1<<63 - 1 // content size of a frame that does not say it
)

// Decoder decodes frames, one after another. It keeps its buffers over Reset. The zero value
// is ready for Reset.
type Decoder struct {
	in  input
	err error // what Read returns once pending is used up

	frame struct {
		open     bool
		checksum bool
		left     int64 // bytes that the frame has still to hold; or unknown
		block    int   // bytes that a block may hold
	}
	window  window
	pending []byte // decoded and not yet read, in the window
	sum     xxh64

	huffman  huffman
	literals []byte // room for the literals of a block, and margin
	codes    [3]table
	batch    [batchSize]sequence
	recent   [3]uint32 // the last three offsets, RFC 8878, 3.1.1.5
}

// NewDecoder returns a Decoder that is ready for Reset.
func NewDecoder() *Decoder { return new(Decoder) }

var errNoInput = errors.New("zstd: read without an input")

// Reset makes d decode r from its beginning. It drops the rest of the previous input. With a
// nil r it does no more. The error is nil: Read is the first to read from r.
func (d *Decoder) Reset(r io.Reader) error {
	d.in.reset(r)
	d.pending, d.err = nil, nil
	d.frame.open = false
	return nil
}

// Read reads decoded data. It returns io.EOF where the input ends after a whole
// frame; input without any frame is cut off.
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
		d.err = d.next()
	}
	b := d.pending
	d.pending = nil
	if len(b) == 0 {
		return nil, d.err
	}
	return b, nil
}

// next takes one step: a block, or what stands before the first block.
func (d *Decoder) next() error {
	if d.frame.open {
		return d.block()
	}
	if d.in.r == nil {
		return errNoInput
	}
	if err := d.in.end(); err != nil {
		return err
	}
	b, err := d.in.take(4)
	if err != nil {
		return err
	}
	switch magic := little(b[margin:][:4]); {
	case magic == 0xfd2fb528:
		return d.header()
	case magic&^0xf == 0x184d2a50: // RFC 8878, 3.1.2
		if b, err = d.in.take(4); err != nil {
			return err
		}
		return d.in.skip(int64(little(b[margin:][:4])))
	}
	return d.fault(margin, "bad magic")
}

// header reads a frame's header behind its magic: RFC 8878, 3.1.1.1.
func (d *Decoder) header() error {
	b, err := d.in.take(1)
	if err != nil {
		return err
	}
	var (
		flags      = b[margin]
		single     = flags >> 5 & 1 // the window is the content
		windowSize = 1 - int(single)
		idSize     = [4]int{0, 1, 2, 4}[flags&3]
		sizeSize   = [4]int{int(single), 2, 4, 8}[flags>>6]
	)
	if flags&8 != 0 {
		return d.fault(margin, "reserved bit of a frame header is set")
	}
	if b, err = d.in.take(windowSize + idSize + sizeSize); err != nil {
		return err
	}
	b = b[margin:]
	descriptor, id, content := b[0], little(b[windowSize:][:idSize]), little(b[windowSize+idSize:][:sizeSize])
	if id != 0 {
		return d.fault(margin, "frame needs a dictionary")
	}
	if sizeSize == 2 {
		content += 256
	}
	window := content
	if single == 0 {
		window = 1 << (10 + descriptor>>3)
		window += window / 8 * uint64(descriptor&7)
	}
	if window > MaxWindow {
		return d.fault(margin, "window of "+strconv.FormatUint(window, 10)+" bytes is larger than 128 MiB")
	}
	d.frame.left = unknown
	if sizeSize > 0 {
		if content > unknown {
			return d.fault(margin, "content size out of range")
		}
		d.frame.left = int64(content)
	}
	d.frame.open = true
	d.frame.checksum = flags&4 != 0
	// Encoders use windows of 1 KiB at least, also for a single segment. So a block may be
	// larger than its content.
	d.frame.block = min(max(int(window), 1<<10), maxBlock)
	d.window.reset(int(window), d.frame.block, d.frame.left)
	d.sum.reset()
	d.huffman.known = false
	for i := range d.codes {
		d.codes[i].mode = modeNone
	}
	d.recent = [3]uint32{1, 4, 8}
	return nil
}

// finish ends a frame: RFC 8878, 3.1.1.
func (d *Decoder) finish() error {
	d.frame.open = false
	if d.frame.left != unknown && d.frame.left != 0 {
		return d.fault(margin, "frame holds less than its header says")
	}
	if !d.frame.checksum {
		return nil
	}
	b, err := d.in.take(4)
	if err != nil {
		return err
	}
	if uint32(little(b[margin:][:4])) != uint32(d.sum.sum()) {
		return d.fault(margin, "checksum does not match")
	}
	return nil
}

// Error is a fault in the compressed data.
type Error struct {
	Offset int64 // bytes from the start of the input, at or shortly before the fault
	Msg    string
	Err    error // io.ErrUnexpectedEOF if the input is cut off, else nil
}

func (e *Error) Error() string {
	return "zstd: offset " + strconv.FormatInt(e.Offset, 10) + ": " + e.Msg
}

func (e *Error) Unwrap() error { return e.Err }

// fault returns an Error at index i of what the input has handed out last.
func (d *Decoder) fault(i int, msg string) error {
	return &Error{Offset: d.in.origin + int64(i), Msg: msg}
}
