package pack

import (
	"bufio"
	"fmt"
	"io"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/compress"
)

// imageWriter counts the bytes that it passes on, and records the segments.
type imageWriter struct {
	w        io.Writer
	size     int64
	segments []Segment
	last     *compress.Codec // of the last segment, nil if there is none
}

func (o *imageWriter) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	o.size += int64(n)
	return n, err
}

func (o *imageWriter) pad(n int) error {
	_, err := o.Write(make([]byte, n))
	return err
}

// beginSegment pads for a segment in the codec next, or for the end of the image if next is
// nil. It returns the offset of the segment.
func (o *imageWriter) beginSegment(next *compress.Codec) (int64, error) {
	if o.last == nil {
		return o.size, nil
	}
	err := o.pad(o.last.Pad(o.size, next))
	return o.size, err
}

// endSegment records the segment that began at start.
func (o *imageWriter) endSegment(kind string, c Codec, start, unpacked int64, cached bool) {
	o.segments = append(o.segments, Segment{
		Kind: kind, Codec: c.Name, Offset: start, Size: o.size - start, Unpacked: unpacked, Cached: cached,
	})
	o.last = c.Codec
}

// segmentSink is a sink that makes every member a segment of its own.
type segmentSink struct {
	*imageWriter
	kind   string
	codec  Codec
	size   func(i int) int64 // of the i-th archive
	cached []bool            // which of them came from the cache, once they are packed
	start  int64
}

func newSegmentSink(out *imageWriter, kind string, c Codec, n int, size func(i int) int64) *segmentSink {
	return &segmentSink{imageWriter: out, kind: kind, codec: c, size: size, cached: make([]bool, n)}
}

func (s *segmentSink) begin(int) (err error) {
	s.start, err = s.beginSegment(s.codec.Codec)
	return err
}

func (s *segmentSink) end(i int) error {
	s.endSegment(s.kind, s.codec, s.start, s.size(i), s.cached[i])
	return nil
}

// nestSink is a sink that makes every member a file in one raw archive. A file's header
// precedes the file but holds its size, so the header is written twice.
type nestSink struct {
	*imageWriter
	header func(at int64) io.Writer // overwrites the bytes at an offset
	start  int64                    // of the member's header
}

func memberHeader(i int, size int64) cpio.Header {
	return cpio.Header{Name: bootplan.MemberName(i), Ino: uint32(i + 1), Nlink: 1, Mode: plan.TypeFile | 0o400, Size: size}
}

func (s *nestSink) begin(i int) error {
	s.start = s.size
	h := memberHeader(i, 0)
	return cpio.NewWriter(s.imageWriter).WriteHeader(&h)
}

func (s *nestSink) end(i int) error {
	h := memberHeader(i, s.size-s.start-cpio.EntrySize(bootplan.MemberName(i), 0))
	if err := cpio.NewWriter(s.header(s.start)).WriteHeader(&h); err != nil {
		return fmt.Errorf("member %d: %w", i, err)
	}
	return s.pad(int(-s.size & 3))
}

func (s *nestSink) close() error {
	buffered := bufio.NewWriter(s.imageWriter)
	if err := cpio.NewWriter(buffered).Close(); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	s.endSegment("payload", Codec{Codec: compress.Raw()}, 0, s.size, false)
	return nil
}
