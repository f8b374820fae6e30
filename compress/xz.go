package compress

import (
	"bufio"
	"io"
	"sync"

	"github.com/mkinitfs/mkinitfs/compress/lzma2"
	stubxz "github.com/mkinitfs/mkinitfs/compress/xz"
)

const xzMagic = "\xfd7zXZ\x00"

// xz with CRC32, the only check that the kernel's decoder has; with CRC64, the
// default of the xz tool, an initramfs panics. The kernel allocates the whole
// dictionary while memory is still scarce, so it is no larger than the data.
//
// Levels have the dictionaries of xz: 1 MiB at level 1, 8 MiB at the default, 64 MiB at 9. An
// image is no larger than what "xz --check=crc32" makes of it at the same level, and smaller
// below level 4, where xz takes less time.
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
	firmware: [2]int{5, 3},
	writer:   newXZWriter,
	reader:   newXZReader,
	pieces:   xzPieces,
	window:   xzWindow,
	memory:   func(o Options) int64 { return lzma2.Memory(xzOptions(o)) },
	inspect:  inspectXZ,

	parameters: xzParameters,
}

// xzLevels say how hard an encoder tries: dictionary, length that is good enough, and
// positions that are compared with each one.
var xzLevels = [...]struct {
	dictionary  int64
	nice, depth int
}{
	1: {1 << 20, 24, 4},
	2: {2 << 20, 24, 4},
	3: {4 << 20, 32, 8},
	4: {4 << 20, 32, 16},
	5: {8 << 20, 48, 24},
	6: {8 << 20, 64, 48},
	7: {16 << 20, 64, 48},
	8: {32 << 20, 64, 48},
	9: {64 << 20, 273, 512},
}

func xzOptions(o Options) lzma2.Options {
	l := xzLevels[o.Level]
	return lzma2.Options{Dictionary: int(xzWindow(o)), Size: o.Size, Nice: l.nice, Depth: l.depth, LC: 3, LP: 0, PB: 2}
}

// xzWindow returns the dictionary, as a header can tell it.
func xzWindow(o Options) int64 {
	const least = 4 << 10
	n := xzLevels[o.Level].dictionary
	if o.Small {
		n = min(n, 1<<20)
	}
	if 0 < o.Size && o.Size < n {
		n = max(o.Size, least)
	}
	return xzDictionary(xzDictionaryCode(n))
}

// xzDictionary returns the size of a dictionary that a header tells by a code of at most
// xzMostCode: 4, 6, 8, 12 KiB and so on (section 5.3.1 of the specification).
func xzDictionary(code byte) int64 { return int64(2|code&1) << (11 + code/2) }

const xzMostCode = 40

// xzDictionaryCode returns the code of the least dictionary that has room for size bytes.
func xzDictionaryCode(size int64) byte {
	code := byte(0)
	for code < xzMostCode && xzDictionary(code) < size {
		code++
	}
	return code
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
