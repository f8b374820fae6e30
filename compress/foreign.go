package compress

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// HeadSize is the number of bytes that Inspect needs of a stream.
const HeadSize = 1 << 10

const wanted = "want gzip, zstd, xz or lz4 -l on standard output"

// Refused is the error of a stream that a kernel would not accept. It has advice.
type Refused struct{ Reason, Hint string }

func (r *Refused) Error() string { return r.Reason }

// Inspect returns the codec of a stream that another program has written, and how many bytes
// of its output a decoder must keep. It decides by the head of the stream. The error is a
// *Refused if the kernel would refuse the stream or needs an option for it, and if the stream
// has no check, because damage would be unpacked. NewReader reports the rest.
func Inspect(head []byte) (*Codec, int64, error) {
	c := Detect(head)
	switch {
	case len(head) == 0:
		return nil, 0, errors.New("wrote nothing")
	case c == nil:
		return nil, 0, &Refused{fmt.Sprintf("what it writes begins with %x, which is no known format", head[:min(len(head), 4)]),
			wanted}
	case c.inspect == nil:
		return nil, 0, &Refused{"it writes " + c.Name + ", which many kernels are built without", wanted}
	}
	window, err := c.inspect(c, head)
	return c, window, err
}

// inspectGzip accepts a header that the kernel can skip (lib/decompress_inflate.c). Its only
// optional field may be a name.
func inspectGzip(c *Codec, head []byte) (int64, error) {
	if len(head) > 3 && head[3]&^gzipName != 0 {
		return 0, &Refused{"gzip: a header with more than a name, which the kernel does not skip", ""}
	}
	return c.window(Options{}), nil
}

func inspectZstd(c *Codec, head []byte) (int64, error) {
	var h zstd.Header
	if err := h.Decode(head); err != nil {
		return 0, c.fault(err)
	}
	window := h.WindowSize
	if h.SingleSegment {
		window = h.FrameContentSize
	}
	switch {
	case h.Skippable:
		return 0, &Refused{"zstd: a skippable frame, which the kernel does not take", "zstd -T0 compresses in threads without one"}
	case h.DictionaryID != 0:
		return 0, &Refused{"zstd: a dictionary, which the kernel has not got", ""}
	case !h.HasCheckSum:
		return 0, &Refused{"zstd: no checksum, so that damage would not be noticed", "leave --no-check out"}
	case window > maxWindow:
		return 0, &Refused{fmt.Sprintf("zstd: a window of %d MiB, and the kernel takes 128", window>>20), "--long=27 is the largest that fits"}
	}
	return int64(window), nil
}

// inspectXZ accepts no filter for machine code: a kernel has only the filters of its
// configuration (CONFIG_XZ_DEC_X86 and others), and the stub has none.
func inspectXZ(c *Codec, head []byte) (int64, error) {
	const blocks = 12 // where they begin
	if len(head) <= blocks {
		return 0, c.fault(errors.New("stream is cut off"))
	}
	if check := head[7] & 15; check != 1 {
		name := map[byte]string{0: "none", 4: "CRC64", 10: "SHA-256"}[check]
		if name == "" {
			name = fmt.Sprint("number ", check)
		}
		return 0, &Refused{"xz: the check is " + name + ", and the kernel has CRC32 only", "add --check=crc32"}
	}
	block := head[blocks:]
	n := xzBlockSize(block[0])
	if block[0] == 0 || len(block) < n {
		return 0, c.fault(errors.New("stream without a block"))
	}
	k, err := parseXZBlock(block[:n])
	if err == nil && k.filter != nil {
		err = errors.New(xzFilterName(uint64(k.filter.ID)))
	}
	if err != nil {
		return 0, &Refused{"xz: " + err.Error(), "want LZMA2 alone, without a filter such as --x86, and 128 MiB of dictionary at most: --lzma2=preset=9e,dict=4MiB"}
	}
	return k.dictionary, nil
}
