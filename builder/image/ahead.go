package image

import (
	"runtime"
	"slices"
	"sync"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/compress"
)

// A walk goes from entry to entry on one core. But the compressed streams of an image are
// independent, and their starts can be found without decoding: those of members by the headers
// of the archive around them, those of segments by the lengths that most formats contain, or
// at a guess by their first bytes. So if the image is a file, the next streams are decoded
// while the walk is still in earlier ones. Nothing else changes: entries and faults behind the
// end of the walk are never seen.

const (
	chunkSize  = 256 << 10
	aheadSize  = 32 << 20 // what all streams may be ahead of the walk
	maxStreams = 16       // that are decoded at once
)

// ahead holds the streams of an image that are known and not yet walked.
type ahead struct {
	file     *imageFile
	streams  []*decoding // in the order of the image
	segments segmentFinder
	free     chan []byte // chunks that can be used again
	running  sync.WaitGroup
}

// decoding is one stream. It reads as the unpacked stream.
type decoding struct {
	codec      *compress.Codec
	begin, end int64       // in the image; the end is that of the stream, or lies behind it
	chunks     chan []byte // nil until it is started, closed behind the last one
	quit       chan struct{}
	free       chan []byte

	chunk, rest []byte // what is being read, and what of it is left

	// Known when chunks is closed.
	err   error // io.EOF if all is well
	size  int64 // of the stream
	notes []compress.Note
}

// take returns the stream that begins at an offset of the image, or nil if it was not found.
// It forgets everything before that stream.
func (a *ahead) take(begin int64) *decoding {
	i := slices.IndexFunc(a.streams, func(d *decoding) bool { return d.begin == begin })
	if i < 0 {
		return nil
	}
	for _, d := range a.streams[:i] {
		close(d.quit)
	}
	a.streams = a.streams[i:]
	d := a.streams[0]
	a.start(d) // which goes on while further ones are looked for
	for len(a.streams) < streams() && a.findSegment() {
	}
	for _, next := range a.streams[:min(streams(), len(a.streams))] {
		a.start(next)
	}
	a.streams = a.streams[1:]
	return d
}

func (a *ahead) start(d *decoding) {
	if d.chunks == nil {
		d.chunks = make(chan []byte, aheadSize/chunkSize/streams())
		a.running.Go(func() { d.run(a.file) })
	}
}

// streams returns how many streams are decoded at once, including the one that is being
// walked.
func streams() int { return min(runtime.GOMAXPROCS(0), maxStreams) }

func (a *ahead) add(codec *compress.Codec, begin, end int64) {
	if a.free == nil {
		a.free = make(chan []byte, aheadSize/chunkSize)
	}
	a.streams = append(a.streams, &decoding{
		codec: codec, begin: begin, end: end, free: a.free, quit: make(chan struct{}),
	})
}

// stop ends the decoding of streams that will not be walked any more.
func (a *ahead) stop() {
	for _, d := range a.streams {
		close(d.quit)
	}
	a.running.Wait()
}

// findSegments looks for compressed segments from an offset of the image on.
func (a *ahead) findSegments(begin int64) {
	a.segments.r, a.segments.begin, a.segments.codec = a.file.from(begin, a.file.size), begin, nil
	a.findSegment()
}

// findSegment adds the next segment, and reports whether there is one that it can find.
func (a *ahead) findSegment() bool {
	if !a.segments.next() {
		return false
	}
	a.add(a.segments.codec, a.segments.begin+a.segments.r.position(), a.file.size)
	return true
}

// segmentFinder finds compressed segments one after the other, without decoding them.
type segmentFinder struct {
	r     *skipReader     // nil if there are no more
	begin int64           // of r, in the image
	codec *compress.Codec // of the segment that r stands at, nil before the first
	blind bool            // has guessed in vain, and will not read to the end of the image again
}

func (s *segmentFinder) next() bool {
	if s.r == nil || s.codec != nil && !s.pass() {
		s.r = nil
		return false
	}
	head, _ := s.r.Peek(6)
	if s.codec = compress.Detect(head); s.codec == nil || s.codec.Name == compress.None {
		s.r = nil
	}
	return s.r != nil
}

// pass goes on to the bytes behind a segment.
func (s *segmentFinder) pass() bool {
	known, err := s.codec.Skip(s.r)
	switch {
	case err != nil:
		return false
	case known:
		_, err := skipZeros(s.r)
		return err == nil
	case s.blind:
		return false
	}
	s.blind = !s.codec.Guess(s.r)
	return !s.blind
}

// findMembers finds compressed members from the header at an offset of the image on.
func (a *ahead) findMembers(begin int64) {
	r := a.file.from(begin, a.file.size)
	archive := cpio.NewReader(r)
	for {
		h, err := archive.Next()
		if err != nil {
			return
		}
		if memberName(&Entry{Header: *h}) == "" {
			continue
		}
		at := begin + archive.Offset()
		head, _ := r.Peek(6)
		if codec := compress.Detect(head); codec != nil && codec.Name != compress.None && at+h.Size <= a.file.size {
			a.add(codec, at, at+h.Size)
		}
	}
}

func (d *decoding) run(f *imageFile) {
	defer close(d.chunks)
	in := f.from(d.begin, d.end)
	defer func() { d.size = in.position() }()
	var out *compress.Reader
	if out, d.err = d.codec.NewReader(in.Reader); d.err != nil {
		return
	}
	defer out.Close()
	defer func() { d.notes = out.Notes() }()
	for d.err == nil {
		var chunk []byte
		select {
		case chunk = <-d.free:
		default:
			chunk = make([]byte, chunkSize)
		}
		n := 0
		for n < len(chunk) && d.err == nil {
			var m int
			m, d.err = out.Read(chunk[n:])
			n += m
		}
		select {
		case d.chunks <- chunk[:n]:
		case <-d.quit:
			return
		}
	}
}

// stop ends the decoding, and waits until the stream's size and error are known.
func (d *decoding) stop() {
	close(d.quit)
	for range d.chunks {
	}
}

func (d *decoding) Read(p []byte) (int, error) {
	if err := d.next(); err != nil {
		return 0, err
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

func (d *decoding) skip(n int64) (int64, error) {
	var skipped int64
	for skipped < n {
		if err := d.next(); err != nil {
			return skipped, err
		}
		step := min(n-skipped, int64(len(d.rest)))
		d.rest = d.rest[step:]
		skipped += step
	}
	return skipped, nil
}

// next makes sure that something is left to read.
func (d *decoding) next() error {
	for len(d.rest) == 0 {
		if d.chunk != nil {
			select {
			case d.free <- d.chunk[:cap(d.chunk)]:
			default:
			}
		}
		chunk, ok := <-d.chunks
		d.chunk, d.rest = chunk, chunk
		if !ok {
			return d.err
		}
	}
	return nil
}
