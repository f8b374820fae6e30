package compress

import (
	"bufio"
	"io"
	"sync"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	stubxz "github.com/mkinitfs/mkinitfs/builder/stub/xz"
)

const xzCRC32 = 1 // the check, as a stream has it; 0 is none

// xz with CRC32, the only check that the kernel's decoder has; with CRC64, the
// default of the xz tool, an initramfs panics. The kernel allocates the whole
// dictionary while memory is still scarce, so it is no larger than the data.
//
// The library has one way to compress, so levels differ by the dictionary only;
// they have those of xz: 1 MiB at level 1, 8 MiB at the default, 64 MiB at 9.
var xzCodec = Codec{
	Name:     "xz",
	Config:   "CONFIG_RD_XZ",
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

// xzDecoders are between two streams. The next one need not allocate its window.
var xzDecoders = sync.Pool{New: func() any { return new(stubxz.Decoder) }}

// newXZReader has the stub's decoder, which is faster than xz itself where the library
// takes twice as long. But the stub's has the checks of the kernel only.
func newXZReader(r *bufio.Reader, n *notes) (io.ReadCloser, error) {
	s := &span{r: r, next: xzPieces()}
	if head, err := r.Peek(8); err == nil && head[7] <= xzCRC32 {
		d := xzDecoders.Get().(*stubxz.Decoder)
		d.Reset(s)
		return &spanReader{d, s, func() {
			d.Reset(nil)
			xzDecoders.Put(d)
		}}, nil
	}
	// The reader's own dictionary is only a lower bound for that of the stream.
	z, err := xz.ReaderConfig{DictCap: lzma.MinDictCap}.NewReader(s)
	if err != nil {
		return nil, err
	}
	return &spanReader{Reader: z, span: s}, nil
}
