package compress

import (
	"bufio"
	"io"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// xz with CRC32, the only check that the kernel's decoder has; with CRC64, the
// default of the xz tool, an initramfs panics. The kernel allocates the whole
// dictionary while memory is still scarce, so it is no larger than the data.
//
// The library has one way to compress, so levels differ by the dictionary only;
// they have those of xz: 1 MiB at level 1, 8 MiB at the default, 64 MiB at 9.
var xzCodec = Codec{
	Name:     "xz",
	MaxLevel: 9,
	Checked:  true,
	Slow:     true,
	level:    6,
	magic:    []string{"\xfd7zXZ\x00"},
	writer:   newXZWriter,
	reader:   newXZReader,
	pieces:   xzPieces,
	window:   xzWindow,
}

func xzWindow(o Options) int64 {
	n := int64([...]int{1: 1, 2, 4, 4, 8, 8, 16, 32, 64}[o.Level]) << 20
	if o.Small {
		n = min(n, 1<<20)
	}
	if 0 < o.Size && o.Size < n {
		n = max(o.Size, lzma.MinDictCap)
	}
	// The header holds powers of two and their halves more: 4, 6, 8, 12 KiB, ...
	n, _ = lzma.DecodeDictCap(lzma.EncodeDictCap(n))
	return n
}

func newXZWriter(w io.Writer, o Options) (io.WriteCloser, error) {
	return xz.WriterConfig{DictCap: int(xzWindow(o)), CheckSum: xz.CRC32}.NewWriter(w)
}

func newXZReader(r *bufio.Reader) (io.ReadCloser, error) {
	s := &span{r: r, next: xzPieces()}
	// The reader's own dictionary is only a lower bound for that of the stream.
	z, err := xz.ReaderConfig{DictCap: lzma.MinDictCap}.NewReader(s)
	if err != nil {
		return nil, err
	}
	return &spanReader{Reader: z, span: s}, nil
}
