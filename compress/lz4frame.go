package compress

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pierrec/lz4/v4"
)

const lz4FrameMagic = "\x04\x22\x4d\x18"

// The frame format of lz4 is what the lz4 tool writes by default. It is read and not written:
// no kernel accepts it ("invalid magic at start of compressed archive").
// https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md describes it.
var lz4FrameCodec = Codec{
	Name:    "lz4-frame",
	Checked: true,
	magic:   []string{lz4FrameMagic},
	reader:  newLZ4FrameReader,
	pieces:  func() pieces { return new(lz4Frame).next },
	inspect: func(*Codec, []byte) (int64, error) {
		return 0, &Refused{"lz4: frame format, which the kernel does not take", "add -l, for the legacy format"}
	},
}

func newLZ4FrameReader(r *bufio.Reader, n *notes) (io.ReadCloser, error) {
	n.add(NoteRefused, `frame format: no kernel takes it ("lz4 -l" writes what kernels take)`)
	s := &span{r: r, next: new(lz4Frame).next}
	return &spanReader{lz4FrameReader{lz4.NewReader(s)}, s, nil}, nil
}

type lz4FrameReader struct{ z *lz4.Reader }

func (r lz4FrameReader) Read(p []byte) (int, error) {
	n, err := r.z.Read(p)
	if err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("corrupt data: %s", strings.TrimPrefix(err.Error(), "lz4: "))
	}
	return n, err
}

// lz4Frame walks a frame: header, blocks, sum.
type lz4Frame struct {
	begun, ended  bool
	most          uint32 // bytes of a block
	blockSum, sum int64  // bytes of the sum behind each block, and behind all
}

func (f *lz4Frame) next(r peeker) (int64, error) {
	switch {
	case f.ended:
		return 0, io.EOF
	case !f.begun:
		f.begun = true
		return f.header(r)
	}
	b, err := peek(r, 4)
	if err != nil {
		return 0, err
	}
	const raw = 1 << 31
	size := binary.LittleEndian.Uint32(b)
	switch {
	case size == 0:
		f.ended = true
		return 4 + f.sum, nil
	case size&^raw > f.most:
		return 0, fmt.Errorf("corrupt data: block of %d bytes, at most %d are possible", size&^raw, f.most)
	}
	return 4 + int64(size&^raw) + f.blockSum, nil
}

func (f *lz4Frame) header(r peeker) (int64, error) {
	b, err := peek(r, 6)
	if err != nil {
		return 0, err
	}
	flags, block := b[4], b[5]>>4&7
	if flags>>6 != 1 || block < 4 {
		return 0, errors.New("corrupt header")
	}
	f.most = 1 << (2*block + 8) // 64 KiB to 4 MiB
	size := int64(4 + 2 + 1)
	if flags&0x08 != 0 { // the size of the content
		size += 8
	}
	if flags&0x01 != 0 {
		return 0, errors.New("a dictionary, which the stream does not hold")
	}
	if flags&0x10 != 0 {
		f.blockSum = 4
	}
	if flags&0x04 != 0 {
		f.sum = 4
	}
	return size, nil
}
