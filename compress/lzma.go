package compress

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ulikunitz/xz/lzma"
)

// lzma, the format of "xz --format=lzma", is read and not written. A header of 13 bytes gives
// the dictionary size and, if it is known, the data size. A stream without a data size ends at
// a marker. There is no check. The kernel stops at the size or the marker, whichever comes
// first, and allocates the smaller of size and dictionary (lib/decompress_unlzma.c).
//
// The kernel identifies the format by two bytes: the usual properties, and a dictionary size
// that is a multiple of 256. A tar archive may begin with them if its first file is called
// "]". So test for tar first.
var lzmaCodec = Codec{
	Name:   "lzma",
	Suffix: ".lzma",
	Config: "CONFIG_RD_LZMA",
	rare:   true,
	magic:  []string{"\x5d\x00"},
	begin:  "\x5d\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\xff", // 8 MiB, the default, and no size
	reader: newLZMAReader,

	parameters: lzmaParameters,
}

// lzmaMostSize bounds the sizes that the library accepts. A larger one counts as unknown.
const lzmaMostSize = 1 << 50

func newLZMAReader(r *bufio.Reader, n *notes) (io.ReadCloser, error) {
	b, err := peek(r, lzma.HeaderLen)
	if err != nil {
		return nil, err
	}
	var header [lzma.HeaderLen]byte
	copy(header[:], b)
	r.Discard(len(header))
	size := binary.LittleEndian.Uint64(header[5:])
	window := min(uint64(binary.LittleEndian.Uint32(header[1:])), size)
	if window > maxWindow {
		return nil, tooLarge("dictionary", int64(window))
	}
	n.window(int64(window))
	binary.LittleEndian.PutUint32(header[1:], uint32(window))
	if size > lzmaMostSize {
		binary.LittleEndian.PutUint64(header[5:], 1<<64-1)
	}
	z, err := lzma.NewReader(&lzmaInput{r, header[:]})
	if err != nil {
		return nil, lzmaFault(err)
	}
	return &lzmaReader{z, size <= lzmaMostSize, n}, nil
}

// lzmaInput is a header and the bytes behind it. The library takes single bytes, and none too
// many: in the end r stands behind the stream.
type lzmaInput struct {
	*bufio.Reader
	header []byte
}

func (in *lzmaInput) Read(p []byte) (int, error) {
	if len(in.header) == 0 {
		return in.Reader.Read(p)
	}
	n := copy(p, in.header)
	in.header = in.header[n:]
	return n, nil
}

type lzmaReader struct {
	*lzma.Reader
	sized bool
	notes *notes
}

func (z *lzmaReader) Read(p []byte) (int, error) {
	n, err := z.Reader.Read(p)
	if err == io.EOF && z.sized && z.EOSMarker() {
		z.notes.add(NoteTail, "an end marker behind the size that the header gives: a kernel stops before the marker and loses what follows")
	}
	return n, lzmaFault(err)
}

func (z *lzmaReader) Close() error { return nil }

// lzmaFault translates the library's errors, which speak of its inner workings.
func lzmaFault(err error) error {
	if err == nil || err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return fmt.Errorf("corrupt data: %s", strings.TrimPrefix(err.Error(), "lzma: "))
}
