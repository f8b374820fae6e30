package compress

import (
	"bufio"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
)

// bzip2 is read and not written. The kernel stops behind the sum of the stream and takes the
// following bytes for the next archive (lib/decompress_bunzip2.c).
var bzip2Codec = Codec{
	Name:    "bzip2",
	Suffix:  ".bz2",
	Config:  "CONFIG_RD_BZIP2",
	Checked: true,
	rare:    true,
	magic:   []string{"BZh"},
	begin:   "BZh91AY&SY", // the default level, and a block
	reader:  newBzip2Reader,

	parameters: bzip2Parameters,
}

func newBzip2Reader(r *bufio.Reader, _ *notes) (io.ReadCloser, error) {
	if _, err := peek(r, 4); err != nil {
		return nil, err
	}
	z := &bzip2Reader{in: bzip2Input{r: r, asked: -bzip2Header, left: -1}}
	z.decoder = bzip2.NewReader(&z.in)
	return z, nil
}

type bzip2Reader struct {
	in      bzip2Input
	decoder io.Reader
	begun   bool
}

func (z *bzip2Reader) Read(p []byte) (int, error) {
	if z.begun {
		z.in.asked = 0
	}
	z.begun = true
	n, err := z.decoder.Read(p)
	if fault := bzip2.StructuralError(""); errors.As(err, &fault) {
		err = fmt.Errorf("corrupt data: %s", string(fault))
	}
	return n, err
}

func (z *bzip2Reader) Close() error { return nil }

const (
	bzip2Header = 4 // bytes
	bzip2Block  = 0x314159265359
	bzip2End    = 0x177245385090
)

// bzip2Input ends where the stream ends. The library would look there for a second stream to
// join, while a kernel takes it for the next archive.
//
// The library reads no byte before it needs a bit of it, and returns from each Read
// with the data of one block. So the first bytes that a Read asks for are the 48 bits
// that begin a block or the end; the end's are followed by 32 bits of sum and a part of
// a byte. The two patterns differ in every overlap, so the end is found whatever its bit
// position in a byte.
type bzip2Input struct {
	r     *bufio.Reader
	asked int    // bytes of this Read, behind the stream's header
	last  uint64 // the last 8 bytes
	left  int    // bytes to the end, or -1 before it is known
}

func (in *bzip2Input) ReadByte() (byte, error) {
	if in.left == 0 {
		return 0, io.EOF
	}
	c, err := in.r.ReadByte()
	if err != nil {
		return 0, err
	}
	in.asked++
	in.left = max(in.left-1, -1)
	in.last = in.last<<8 | uint64(c)
	if in.asked == 6 && in.left < 0 && endsBzip2(in.last) {
		in.left = 4
	}
	return c, nil
}

// endsBzip2 reports whether the end's pattern is in the last 7 bytes, and begins in
// the first of them or right behind it.
func endsBzip2(last uint64) bool {
	for shift := range 8 {
		if last>>shift&(1<<48-1) == bzip2End {
			return true
		}
	}
	return false
}

// Read serves the library's interface io.Reader. The library never calls it.
func (in *bzip2Input) Read([]byte) (int, error) {
	return 0, errors.New("bzip2 is read byte by byte")
}
