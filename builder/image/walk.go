package image

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/compress"
)

// bufferSize is more than a header with the longest name.
const bufferSize = 64 << 10

// Walk reads the image r from its start to its end and calls visit for every
// entry in order, with a reader of its body: a file's content, a symbolic link's
// target. Both are valid until visit returns. A member is visited itself and
// then its entries, unless visit has read from its body: then that was all.
//
// An error of visit ends the walk and is returned as it is. Any other error says
// in which segment and member it arose and at which offset. Info is never nil
// and holds what was read until then.
func Walk(r io.Reader, visit func(e *Entry, body io.Reader) error) (*Info, error) {
	w := &walker{visit: visit, info: &Info{}}
	err := w.image(r)
	return w.info, err
}

type walker struct {
	visit   func(*Entry, io.Reader) error
	stopped error // the error of visit
	info    *Info
	member  string            // whose entries are being walked
	scales  map[stream]*scale // nil if nobody asks for packed sizes
}

func (w *walker) image(in io.Reader) error {
	err := w.segments(in)
	if w.stopped != nil {
		err = w.stopped
	}
	return err
}

func (w *walker) segments(in io.Reader) error {
	c := &counter{r: in}
	r := bufio.NewReaderSize(c, bufferSize)
	position := func() int64 { return c.n - int64(r.Buffered()) }
	raw := false // the segment before is
	for {
		_, err := skipZeros(r)
		offset := position()
		w.info.Size = offset
		switch {
		case err == io.EOF && len(w.info.Segments) == 0:
			return errNoArchive
		case err == io.EOF:
			return nil
		}
		s := Segment{Index: len(w.info.Segments), Offset: offset}
		codec, err := detect(r, offset, raw)
		if err == nil {
			err = w.segment(r, &s, codec, position)
		}
		if err != nil {
			return fmt.Errorf("segment %d at %#x: %w", s.Index, offset, err)
		}
		s.Size = position() - offset
		w.info.Segments = append(w.info.Segments, s)
		raw = codec.Name == "none"
	}
}

var errNoArchive = errors.New("no archive in it")

// counter counts what is read from the image.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// skipZeros skips zero bytes and returns how many they were, with io.EOF if r
// ends behind them.
func skipZeros(r *bufio.Reader) (int64, error) {
	var n int64
	for {
		if _, err := r.Peek(1); err != nil {
			return n, err
		}
		b, _ := r.Peek(r.Buffered())
		zeros, _ := r.Discard(len(b) - len(bytes.TrimLeft(b, "\x00")))
		n += int64(zeros)
		if zeros < len(b) {
			return n, nil
		}
	}
}

// detect finds what begins at offset. The kernel sees a raw archive only at a
// multiple of 4, and after a raw one it wants even a compressed one there.
func detect(r *bufio.Reader, offset int64, afterRaw bool) (*compress.Codec, error) {
	head, err := r.Peek(6)
	if err != nil && err != io.EOF {
		return nil, err
	}
	codec := compress.Detect(head)
	switch {
	case len(head) == 0:
		return nil, errNoArchive
	case codec == nil:
		return nil, fmt.Errorf("neither a known archive nor padding: % x", head)
	case offset%4 != 0 && codec.Name == "none":
		return nil, errors.New("a raw archive has to begin at a multiple of 4")
	case offset%4 != 0 && afterRaw:
		return nil, errors.New("what follows a raw archive has to begin at a multiple of 4")
	}
	return codec, nil
}

// segment walks one raw archive, or one compressed stream. Position says where r
// stands in the image or, of a member, in the stream that the member is in.
func (w *walker) segment(r *bufio.Reader, s *Segment, codec *compress.Codec, position func() int64) error {
	s.Codec = codec.Name
	scale := &scale{position: position, begin: position()}
	if w.scales != nil {
		w.scales[stream{s.Index, w.member}] = scale
	}
	if codec.Name == "none" {
		return w.archive(r, s)
	}
	d, err := codec.NewReader(r)
	if err != nil {
		return err
	}
	defer d.Close()
	return w.stream(bufio.NewReaderSize(scale.measure(d), bufferSize), s)
}

// stream walks what a compressed stream unpacks to: an archive as a rule, but
// the kernel takes several, raw and with padding between them. To it, a stream
// of nothing is an error only before the first archive of an image.
func (w *walker) stream(r *bufio.Reader, s *Segment) error {
	for i := 0; ; i++ {
		n, err := skipZeros(r)
		s.Unpacked += n
		switch {
		case err == io.EOF && i == 0 && (s.Index == 0 || w.member != ""):
			return errNoArchive
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		codec, err := detect(r, s.Unpacked, true)
		if err == nil && codec.Name != "none" {
			err = errors.New("compressed twice")
		}
		if err != nil {
			return fmt.Errorf("%d bytes into the unpacked stream: %w", s.Unpacked, err)
		}
		if err := w.archive(r, s); err != nil {
			return err
		}
	}
}

func (w *walker) archive(r *bufio.Reader, s *Segment) error {
	a := cpio.NewReader(r)
	var links hardLinks
	for {
		h, err := a.Next()
		switch {
		case err == io.EOF:
			s.Unpacked += a.Offset()
			return nil
		case err != nil:
			return err
		}
		s.Entries++
		begin := s.Unpacked + a.Offset() - cpio.EntrySize(h.Name, 0)
		e := &Entry{
			Header: *h, Segment: s.Index, Member: w.member, HardLinkOf: links.find(h),
			begin: begin, end: begin + cpio.EntrySize(h.Name, h.Size),
		}
		if err := w.entry(e, &body{archive: a, begin: s.Unpacked}); err != nil {
			return err
		}
	}
}
