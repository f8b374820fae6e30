package compress

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/pierrec/lz4/v4"
)

// lz4 in its legacy format, the only one that the kernel takes: a magic, then
// blocks of 8 MiB, each behind its packed size (lib/decompress_unlz4.c). There is
// no end and no check. The kernel stops where fewer than 4 bytes are left or the
// size is 0, reads on behind a repeated magic, and takes everything else for a
// size. So lz4 may follow lz4 directly. Anything else has to be four zero bytes away,
// and that includes what a boot loader appends. (The lz4 tool takes these zeros for
// damage.) Without them 6.1 decodes as many bytes as the next four say, past the end
// of the image if need be: mostly it says "Decoding failed" and boots on without what
// follows, but lz4, one zero byte and gzip were seen to end in a page fault and a boot
// that hangs.
//
// Level 1 is lz4's fast compression, 2 to 9 are ever deeper searches of its
// high-compression form, whose output decodes as fast.
var lz4Codec = Codec{
	Name:     "lz4",
	Suffix:   ".lz4",
	Config:   "CONFIG_RD_LZ4",
	MaxLevel: 9,
	level:    3, // deeper searches gain 0.1% on a Debian system
	magic:    []string{"\x02\x21\x4c\x18"},
	gap:      4,
	writer:   newLZ4Writer,
	reader:   newLZ4Reader,
	pieces:   func() pieces { return lz4Piece },
	window:   lz4Window,
	buffer:   lz4Block,
	memory:   func(Options) int64 { return 2 * lz4Block },
	inspect:  func(*Codec, []byte) (int64, error) { return lz4Window(Options{}), nil },

	parameters: always(8<<20, "none"),
}

const (
	lz4Magic  = 0x184c2102
	lz4Block  = 8 << 20
	lz4Erased = 1<<32 - 1 // what erased flash reads as; to the kernel a size as any other
)

// lz4Window is the largest distance of a match in bytes. (The kernel ignores it: it allocates
// a whole block for any content.)
func lz4Window(o Options) int64 {
	if o.Size > 0 {
		return min(o.Size, 64<<10)
	}
	return 64 << 10
}

func newLZ4Writer(w io.Writer, o Options) (io.WriteCloser, error) {
	level := lz4.Fast
	if o.Level > 1 {
		level = lz4.CompressionLevel(1 << (8 + o.Level)) // lz4.Level2 and so on
	}
	z := lz4.NewWriter(w)
	err := z.Apply(lz4.LegacyOption(true), lz4.CompressionLevelOption(level))
	return struct{ io.WriteCloser }{z}, err // without its ReadFrom, which wants to be all that is called
}

func newLZ4Reader(r *bufio.Reader, _ *notes) (io.ReadCloser, error) {
	head, err := peek(r, 4)
	switch {
	case err != nil:
		return nil, err
	case binary.LittleEndian.Uint32(head) != lz4Magic:
		return nil, errors.New("bad magic")
	}
	return io.NopCloser(&lz4Reader{r: r}), nil
}

type lz4Reader struct {
	r      *bufio.Reader
	packed []byte
	block  []byte
	rest   []byte // of block: what has not been read
	err    error
}

func (z *lz4Reader) Read(p []byte) (int, error) {
	for len(z.rest) == 0 && z.err == nil {
		z.rest, z.err = z.next()
	}
	n := copy(p, z.rest)
	z.rest = z.rest[n:]
	if n > 0 {
		return n, nil
	}
	return 0, z.err
}

// next decodes one block. The result is valid until the following call.
func (z *lz4Reader) next() ([]byte, error) {
	n, err := lz4Piece(z.r)
	if err != nil {
		return nil, err
	}
	if _, err := z.r.Discard(4); err != nil || n == 4 {
		return nil, err
	}
	size := n - 4
	if z.block == nil {
		z.block = make([]byte, lz4Block)
	}
	if int64(cap(z.packed)) < size {
		z.packed = make([]byte, size)
	}
	if _, err := io.ReadFull(z.r, z.packed[:size]); err != nil {
		return nil, cut(err)
	}
	unpacked, err := lz4.UncompressBlock(z.packed[:size], z.block)
	if err != nil {
		return nil, err
	}
	return z.block[:unpacked], nil
}

// lz4Piece returns the length of a block with the size before it, or of a magic.
func lz4Piece(r peeker) (int64, error) {
	head, err := r.Peek(4)
	if len(head) < 4 {
		for _, c := range head {
			if c != 0 {
				return 0, cut(err)
			}
		}
		return 0, err
	}
	size := binary.LittleEndian.Uint32(head)
	switch {
	case size == 0:
		return 0, io.EOF
	case size == lz4Magic:
		return 4, nil
	case size == lz4Erased:
		return 0, io.EOF
	case int64(size) > int64(lz4.CompressBlockBound(lz4Block)):
		return 0, fmt.Errorf("block of %d packed bytes (what follows lz4 has to be 4 zero bytes away)", size)
	}
	return 4 + int64(size), nil
}
