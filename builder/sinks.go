package builder

import (
	"bufio"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// image counts what it passes on, and refuses to grow beyond its limit.
type image struct {
	w      io.Writer
	size   int64
	limit  int64 // 0 is none
	report *Report
}

var errTooLarge = errors.New("image too large")

func (o *image) Write(p []byte) (int, error) {
	if o.limit > 0 && o.size+int64(len(p)) > o.limit {
		return 0, errTooLarge
	}
	n, err := o.w.Write(p)
	o.size += int64(n)
	return n, err
}

func (o *image) pad(n int) error {
	_, err := o.Write(make([]byte, n))
	return err
}

// segment notes the segment that began at start and pads behind it.
func (o *image) segment(kind string, c codec, start, unpacked int64, cached bool) error {
	o.report.Segments = append(o.report.Segments, Segment{
		Kind: kind, Codec: c.Name, Offset: start, Size: o.size - start, Unpacked: unpacked, Cached: cached,
	})
	return o.pad(c.Pad(o.size))
}

// segments is a sink that makes every member a segment of its own.
type segments struct {
	*image
	kind   string
	codec  codec
	size   func(i int) int64 // of the i-th archive
	cached []bool            // which of them came from the cache, once they are packed
	start  int64
}

func newSegments(out *image, kind string, c codec, n int, size func(i int) int64) *segments {
	return &segments{image: out, kind: kind, codec: c, size: size, cached: make([]bool, n)}
}

func (s *segments) begin(int) error {
	s.start = s.image.size
	return nil
}

func (s *segments) end(i int) error {
	return s.segment(s.kind, s.codec, s.start, s.size(i), s.cached[i])
}

// nest is a sink that makes every member a file in one raw archive. A file's
// header comes before it but tells its size, so it is written twice.
type nest struct {
	*image
	header func(at int64) io.Writer // writes over what is there
	start  int64                    // of the member's header
}

func memberHeader(i int, size int64) cpio.Header {
	return cpio.Header{Name: bootplan.MemberName(i), Ino: uint32(i + 1), Nlink: 1, Mode: plan.TypeFile | 0o400, Size: size}
}

func (s *nest) begin(i int) error {
	s.start = s.size
	h := memberHeader(i, 0)
	return cpio.NewWriter(s.image).WriteHeader(&h)
}

func (s *nest) end(i int) error {
	h := memberHeader(i, s.size-s.start-cpio.EntrySize(bootplan.MemberName(i), 0))
	if err := cpio.NewWriter(s.header(s.start)).WriteHeader(&h); err != nil {
		return fmt.Errorf("member %d: %w", i, err)
	}
	return s.pad(int(-s.size & 3))
}

func (s *nest) close() error {
	buffered := bufio.NewWriter(s.image)
	if err := cpio.NewWriter(buffered).Close(); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	s.report.Segments = append(s.report.Segments, Segment{
		Kind: "payload", Codec: "none", Size: s.size, Unpacked: s.size,
	})
	return nil
}

// summer counts and sums up what it passes on.
type summer struct {
	w   io.Writer
	n   int64
	sha hash.Hash   // nil if nobody asks for it
	crc hash.Hash32 // the same
}

func (s *summer) Write(p []byte) (int, error) {
	if s.sha != nil {
		s.sha.Write(p)
	}
	if s.crc != nil {
		s.crc.Write(p)
	}
	s.n += int64(len(p))
	return s.w.Write(p)
}

// packed returns what has gone through.
func (s *summer) packed() packed {
	done := packed{size: s.n}
	if s.crc != nil {
		done.crc32 = s.crc.Sum32()
	}
	if s.sha != nil {
		s.sha.Sum(done.sha256[:0])
	}
	return done
}
