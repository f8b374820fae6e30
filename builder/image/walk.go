package image

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/compress"
)

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

// WalkOuter is Walk of what the kernel unpacks: of members it does not see what is in
// them.
func WalkOuter(r io.Reader, visit func(e *Entry, body io.Reader) error) (*Info, error) {
	w := &walker{visit: visit, info: &Info{}, outer: true}
	err := w.image(r)
	return w.info, err
}

type walker struct {
	visit   func(*Entry, io.Reader) error
	stopped error // the error of visit
	info    *Info
	outer   bool              // members are not looked into
	member  string            // whose entries are being walked
	scales  map[stream]*scale // nil if nobody asks for packed sizes
	entries int64             // seen so far
	file    *file             // the image, nil if it can only be read from start to end
	ahead   *ahead            // nil if nothing is decoded ahead
}

func (w *walker) image(in io.Reader) error {
	r := newWindow(in)
	if w.file = asFile(in); w.file != nil {
		r = w.file.from(0, w.file.size)
		// How far a decoder has read when bytes come out is known of one that is not ahead.
		if w.scales == nil && streams() > 1 {
			w.ahead = &ahead{file: w.file}
			defer w.ahead.stop()
		}
	}
	err := w.segments(r)
	if w.stopped != nil {
		err = w.stopped
	}
	return err
}

// unread says what begins with head and cannot be read.
func unread(head []byte) error {
	for _, known := range []struct{ magic, what string }{
		{"070707", "a cpio archive of the old format, where the kernel wants newc"},
	} {
		if strings.HasPrefix(string(head), known.magic) {
			return errors.New(known.what)
		}
	}
	return fmt.Errorf("not an image: begins with %q, which is no known archive", head)
}

func (w *walker) segments(r *window) error {
	raw := false // the segment before is
	for {
		_, err := skipZeros(r)
		offset := r.position()
		w.info.Size = offset
		switch {
		case err == io.EOF && len(w.info.Segments) == 0:
			return errNoArchive
		case err == io.EOF:
			return nil
		}
		if head, _ := r.Peek(6); offset == 0 && len(head) > 0 && compress.Detect(head) == nil {
			return unread(head)
		}
		s := Segment{Index: len(w.info.Segments), Offset: offset}
		codec, err := detect(r, offset, raw)
		if err == nil {
			at := int64(-1)
			if w.file != nil {
				at = offset
			}
			if w.ahead != nil && codec.Name != "none" && len(w.ahead.streams) == 0 {
				w.ahead.findSegments(offset)
			}
			err = w.segment(r, &s, codec, at, r.position)
		}
		if err != nil {
			return fmt.Errorf("segment %d at %#x: %w", s.Index, offset, err)
		}
		s.Size = r.position() - offset
		w.info.Segments = append(w.info.Segments, s)
		raw = codec.Name == "none"
	}
}

var errNoArchive = errors.New("no archive in it")

// skipZeros skips zero bytes and returns how many they were, with io.EOF if r
// ends behind them.
func skipZeros(r *window) (int64, error) {
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
func detect(r *window, offset int64, afterRaw bool) (*compress.Codec, error) {
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

// segment walks one raw archive, or one compressed stream. It begins at the offset at
// of the image, or at is -1. Position says where r stands in the image or, of a
// member, in the stream that the member is in.
func (w *walker) segment(r *window, s *Segment, codec *compress.Codec, at int64, position func() int64) error {
	s.Codec = codec.Name
	scale := &scale{position: position, begin: position()}
	if w.scales != nil {
		w.scales[stream{s.Index, w.member}] = scale
	}
	if codec.Name == "none" {
		return w.archive(r, s, at)
	}
	if w.ahead != nil {
		if d := w.ahead.take(at); d != nil {
			defer close(d.quit)
			if err := w.stream(newWindow(d), s); err != nil {
				return err
			}
			return r.skip(d.size)
		}
	}
	d, err := codec.NewReader(r.Reader)
	if err != nil {
		return err
	}
	defer d.Close()
	return w.stream(newWindow(scale.measure(d)), s)
}

// stream walks what a compressed stream unpacks to: an archive as a rule, but
// the kernel takes several, raw and with padding between them. To it, a stream
// of nothing is an error only before the first archive of an image.
func (w *walker) stream(r *window, s *Segment) error {
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
		if err := w.archive(r, s, -1); err != nil {
			return err
		}
	}
}

// archive walks one archive. It begins at the offset at of the image, or at is -1.
func (w *walker) archive(r *window, s *Segment, at int64) error {
	a := cpio.NewReader(r)
	b := &body{archive: a, begin: s.Unpacked, at: at, file: w.file}
	var links hardLinks
	var e Entry
	for {
		h, err := a.Next()
		switch {
		case err == io.EOF:
			s.Unpacked += a.Offset()
			return nil
		case err != nil:
			if fault, ok := errors.AsType[*cpio.Error](err); ok && fault.Msg != cpio.Cut {
				err = fmt.Errorf("damaged archive: %w", err)
			}
			return err
		}
		s.Entries++
		w.entries++
		begin := s.Unpacked + a.Offset() - cpio.EntrySize(h.Name, 0)
		first, file := links.find(h, w.entries)
		e = Entry{
			Header: *h, Segment: s.Index, Member: w.member, HardLinkOf: first,
			begin: begin, end: begin + cpio.EntrySize(h.Name, h.Size),
			number: w.entries, file: file,
		}
		b.size, b.taken = h.Size, false
		if err := w.entry(&e, b); err != nil {
			return err
		}
	}
}
