package image

import (
	"errors"
	"fmt"
	"io"

	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/magic"
)

// Walk reads the image r to its end and calls visit for every entry in order, with a reader of
// its body: the content of a file or the target of a symbolic link. Both are valid until visit
// returns. Walk visits a member and then its entries, but not the entries if visit has read
// from the member's body.
//
// An error of visit ends the walk and is returned as it is. Any other error names the segment,
// the member and the offset. Info is never nil and holds what was read until then.
func Walk(r io.Reader, visit func(e *Entry, body io.Reader) error) (*Info, error) {
	w := &walker{visit: visit, info: &Info{}}
	err := w.image(r)
	return w.info, err
}

// WalkOuter is Walk without the entries of members: it visits what the kernel unpacks.
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
	text    int64             // bytes of their names and link targets
	links   hardLinks         // of all archives since the last trailer
	began   bool              // some entry or trailer was there
	whole   whole             // what is compared with the boot plan
	file    *imageFile        // the image, nil if it can only be read from start to end
	ahead   *ahead            // nil if nothing is decoded ahead
	budget  *budget           // of what streams may unpack to; nil for no bound
	checks  *checks           // of what is read; nil if nobody asks
}

// image walks the image in, or the ramdisk in it if it is an envelope.
func (w *walker) image(in io.Reader) error {
	w.file = asFile(in)
	e, err := openEnvelope(in, w.file)
	if err != nil {
		return err
	}
	if e != nil {
		w.file = e.ramdisk
		e.describe(w.info)
	}
	err = w.bare(newSkipReader(in))
	if e != nil && w.stopped == nil {
		err = e.verify(err)
	}
	return err
}

// bare walks the image w.file or, if there is no file, what is read from r.
func (w *walker) bare(r *skipReader) error {
	if w.file != nil {
		w.info.BootConfig = bootConfig(w.file)
		w.file.size -= w.info.BootConfig
		r = w.file.from(0, w.file.size)
		// Only without decoding ahead is it known how far a decoder has read.
		if w.scales == nil && streams() > 1 {
			w.ahead = &ahead{file: w.file}
			defer w.ahead.stop()
		}
	}
	w.whole.begin(w.file)
	err := w.segments(r)
	if err == nil {
		err = w.whole.compare(w.info.Plan, w.info.Findings.has(headerCut))
	}
	w.whole.stop()
	if w.stopped != nil {
		return w.stopped
	}
	w.info.Size += w.info.BootConfig
	return err
}

func (w *walker) segments(r *skipReader) error {
	raw := false // the segment before is
	for {
		zeros, err := skipZeros(r)
		offset := r.position()
		w.info.Size = offset
		switch {
		case err == io.EOF && len(w.info.Segments) == 0:
			return errNoArchive
		case err == io.EOF:
			return nil
		}
		s := Segment{Index: len(w.info.Segments), Offset: offset}
		codec, err := detect(r, offset, raw)
		if codec == nil && err == nil {
			if err = w.tail(r, zeros); err == nil {
				return nil
			}
			if offset == 0 {
				return notImage(err)
			}
		}
		if err == nil {
			at := int64(-1)
			if w.file != nil {
				at = offset
			}
			if w.ahead != nil && codec.Name != compress.None && len(w.ahead.streams) == 0 {
				w.ahead.findSegments(offset)
			}
			err = w.segment(r, &s, codec, at, r.position)
		}
		if err != nil {
			return fmt.Errorf("segment %d at %#x: %w", s.Index, offset, err)
		}
		if s.Size = r.position() - offset; codec.Name == compress.None {
			s.Size = s.Unpacked
		}
		w.info.Segments = append(w.info.Segments, s)
		raw = codec.Name == compress.None
		if !w.began {
			return errNoArchive
		}
	}
}

// segment walks one raw archive, or one compressed stream. It begins at the offset at
// of the image, or at is -1. Position says where r stands in the image or, of a
// member, in the stream that the member is in.
func (w *walker) segment(r *skipReader, s *Segment, codec *compress.Codec, at int64, position func() int64) error {
	s.Codec = codec.Name
	packed := &scale{position: position, begin: position()}
	if w.scales != nil {
		w.scales[stream{s.Index, w.member}] = packed
	}
	if codec.Name == compress.None {
		return w.archive(r, s, at)
	}
	if w.ahead != nil {
		if d := w.ahead.take(at); d != nil {
			err := w.stream(newSkipReader(w.budget.of(d)), s)
			d.stop()
			if err = w.noted(s, d.notes, err); err == nil {
				err = r.skip(d.size)
			}
			return err
		}
	}
	d, err := codec.NewReader(r.Reader)
	if err != nil {
		return err
	}
	defer d.Close()
	err = w.stream(newSkipReader(w.budget.of(packed.measure(d))), s)
	return w.noted(s, d.Notes(), err)
}

// noted adds findings for a stream that only some kernels accept, or none. It returns the
// error of reading the stream, or what the kernel says behind it.
func (w *walker) noted(s *Segment, notes []compress.Note, err error) error {
	w.checks.stream(s, w.member, notes, err)
	if w.member != "" {
		return err // the stub's to take
	}
	if compress.IsUnseen(err) {
		w.report(gzipSum, Finding{Segment: s.Index, Offset: s.Offset})
		err = nil
	}
	for _, n := range notes {
		words := s.Codec + ": " + n.Words
		switch n.Code {
		case compress.NoteMemory: // it is taken as it was meant
		case compress.NoteTail:
			if err == nil {
				err = errors.New(words)
			}
		case compress.NoteRefused:
			w.report(&rule{"codec-" + n.Code, Fault, words}, Finding{Segment: s.Index, Offset: s.Offset})
		default:
			w.report(&rule{"codec-" + n.Code, Warning, words}, Finding{Segment: s.Index, Offset: s.Offset})
		}
	}
	return err
}

// stream walks an unpacked stream. It is usually one archive, but the kernel accepts several
// raw ones with padding between them. An empty stream is an error only before the first
// archive of an image, and so are zeros.
func (w *walker) stream(r *skipReader, s *Segment) error {
	for i := 0; ; i++ {
		n, err := skipZeros(r)
		s.Unpacked += n
		first := i == 0 && (!w.began || w.member != "")
		switch {
		case err == io.EOF && first:
			return errNoArchive
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		codec, err := detect(r, s.Unpacked, true)
		switch {
		case err != nil:
		case codec == nil:
			head, _ := r.Peek(magic.HeadSize)
			err = errors.New(describe(head))
		case codec.Name != compress.None:
			err = errors.New("compressed twice")
		case first && n > 0:
			err = errors.New("zeros in front of the first archive")
		}
		if err != nil {
			return fmt.Errorf("%d bytes into the unpacked stream: %w", s.Unpacked, err)
		}
		if err := w.archive(r, s, -1); err != nil {
			return err
		}
	}
}

func (w *walker) report(r *rule, f Finding) { w.info.Findings.add(r, f) }
