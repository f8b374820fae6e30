package compress

import (
	"bufio"
	"io"
	"sync"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	stubxz "github.com/mkinitfs/mkinitfs/compress/xz"
)

const xzMagic = "\xfd7zXZ\x00"

// xz with CRC32, the only check that the kernel's decoder has; with CRC64, the
// default of the xz tool, an initramfs panics. The kernel allocates the whole
// dictionary while memory is still scarce, so it is no larger than the data.
//
// The library has one way to compress, so levels differ by the dictionary only;
// they have those of xz: 1 MiB at level 1, 8 MiB at the default, 64 MiB at 9.
//
// The reader takes what a kernel may take: several blocks, no check, one filter for
// machine code before LZMA2. It takes CRC64, SHA-256 and a filter's start offset, too,
// which no kernel does.
var xzCodec = Codec{
	Name:     "xz",
	Suffix:   ".xz",
	Config:   "CONFIG_RD_XZ",
	MaxLevel: 9,
	Checked:  true,
	Slow:     true,
	level:    6,
	magic:    []string{xzMagic},
	writer:   newXZWriter,
	reader:   newXZReader,
	pieces:   xzPieces,
	window:   xzWindow,
	inspect:  inspectXZ,
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

// xzDecoders keeps decoders that are not in use, so that the next stream need not allocate a
// window. They are those of the stub. They are faster than xz itself, while the library takes
// twice as long.
var xzDecoders = sync.Pool{New: func() any { return new(stubxz.Decoder) }}

func newXZReader(r *bufio.Reader, n *notes) (io.ReadCloser, error) {
	x := &xzReader{r: r, notes: n}
	if err := x.header(); err != nil {
		return nil, err
	}
	x.decoder = xzDecoders.Get().(*stubxz.Decoder)
	return x, nil
}
