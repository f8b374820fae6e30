package compress

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// zstd is one frame (RFC 8878). The kernel (from 5.9) accepts windows of up to 128 MiB. It
// allocates the window in the header while memory is still scarce, so ours is no larger than
// the data, and 8 MiB at most. The kernel decodes one frame a stream and no skippable frames.
//
// The library has four levels for zstd's 22: 1-2, 3-5, 6-9 and 10-22. The
// default takes a third of the time of the last, for 7% more bytes.
//
// Host tools read zstd with the library, although they read gzip and xz with the stub's
// decoder. The library's loops are assembly on amd64 and arm64. On amd64 it took two thirds to
// nine tenths of our decoder's time (BenchmarkDecode of compress/zstd, on 2 cores under load).
var zstdCodec = Codec{
	Name:     "zstd",
	Suffix:   ".zst",
	Config:   "CONFIG_RD_ZSTD",
	MaxLevel: 22,
	Checked:  true,
	Slow:     true,
	level:    9,
	magic:    []string{"\x28\xb5\x2f\xfd"},
	firmware: [2]int{5, 19},
	writer:   newZstdWriter,
	reader:   newZstdReader,
	pieces:   func() pieces { return zstdPieces(new(notes)) },
	window:   zstdWindow,
	memory:   zstdMemory,
	inspect:  inspectZstd,

	parameters: zstdParameters,
}

func zstdWindow(o Options) int64 {
	most := int64(8 << 20)
	if o.Small {
		most = 1 << 20
	}
	if o.Size <= 0 || o.Size > most {
		return most
	}
	return max(int64(1)<<bits.Len64(uint64(o.Size-1)), zstd.MinWindowSize)
}

// zstdMemory is measured: tables, and twice the window.
func zstdMemory(o Options) int64 {
	tables := int64(6 << 20)
	if zstd.EncoderLevelFromZstd(o.Level) == zstd.SpeedBestCompression {
		tables = 36 << 20
	}
	return tables + 2*zstdWindow(o)
}

// zstdWriter is an encoder without ReadFrom, because the library cuts blocks differently in
// it.
type zstdWriter struct {
	z     *zstd.Encoder
	level zstd.EncoderLevel
	size  int // of the window
}

func newZstdWriter(w io.Writer, o Options) (io.WriteCloser, error) {
	s := &zstdWriter{level: zstd.EncoderLevelFromZstd(o.Level), size: int(zstdWindow(o))}
	var err error
	s.z, err = zstd.NewWriter(w,
		zstd.WithEncoderLevel(s.level),
		zstd.WithWindowSize(s.size),
		zstd.WithEncoderCRC(true),
		zstd.WithEncoderConcurrency(1))
	return s, err
}

func (s *zstdWriter) Write(p []byte) (int, error) { return s.z.Write(p) }
func (s *zstdWriter) Close() error                { return s.z.Close() }

func (s *zstdWriter) reset(w io.Writer, o Options) bool {
	if s.level != zstd.EncoderLevelFromZstd(o.Level) || s.size != int(zstdWindow(o)) {
		return false
	}
	s.z.Reset(w)
	return true
}

// zstdReader translates a decoder's errors, which speak of its inner workings.
type zstdReader struct{ *zstd.Decoder }

func (r zstdReader) Read(p []byte) (int, error) {
	n, err := r.Decoder.Read(p)
	switch err {
	case nil, io.EOF, zstd.ErrWindowSizeExceeded, zstd.ErrUnknownDictionary:
		return n, err
	}
	return n, fmt.Errorf("corrupt data: %w", err)
}

// zstdDecoders keeps decoders that are not in use, so that the next stream need not allocate a
// window.
var zstdDecoders sync.Pool

func newZstdReader(r *bufio.Reader, n *notes) (io.ReadCloser, error) {
	s := &span{r: r, next: zstdPieces(n)}
	d, ok := zstdDecoders.Get().(*zstd.Decoder)
	var err error
	if ok {
		err = d.Reset(s)
	} else {
		d, err = zstd.NewReader(s,
			zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderMaxWindow(maxWindow))
	}
	if err != nil {
		return nil, err
	}
	return &spanReader{zstdReader{d}, s, func() {
		d.Reset(nil)
		zstdDecoders.Put(d)
	}}, nil
}

func zstdPieces(n *notes) pieces { return (&zstdFrame{notes: n}).next }

// zstdFrame walks a frame: header, blocks, sum.
type zstdFrame struct {
	begun, ended bool
	sum          int64 // bytes of the sum
	notes        *notes
}

func (f *zstdFrame) next(r peeker) (int64, error) {
	switch {
	case f.ended:
		return 0, io.EOF
	case !f.begun:
		f.begun = true
		return f.header(r)
	}
	b, err := peek(r, 3)
	if err != nil {
		return 0, err
	}
	head := int64(b[0]) | int64(b[1])<<8 | int64(b[2])<<16
	n := 3 + head>>3
	if head>>1&3 == 1 { // RLE: the size is that of what one byte becomes
		n = 3 + 1
	}
	if head&1 != 0 {
		f.ended = true
		n += f.sum
	}
	return n, nil
}

func (f *zstdFrame) header(r peeker) (int64, error) {
	// A short frame has fewer bytes. Decode reports the error better.
	b, _ := r.Peek(zstd.HeaderMaxSize)
	var h zstd.Header
	if err := h.Decode(b); err != nil {
		return 0, err
	}
	window := h.WindowSize
	if h.SingleSegment {
		window = h.FrameContentSize
	}
	switch {
	case h.Skippable:
		return 0, errors.New("skippable frame")
	case window > maxWindow:
		return 0, tooLarge("window", int64(min(window, math.MaxInt64>>1)))
	case h.HasCheckSum:
		f.sum = 4
	default:
		f.notes.add(NoteUnchecked, "no checksum: damage goes unseen")
	}
	f.notes.window(int64(window))
	return int64(h.HeaderSize), nil
}
