package image

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"

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
	text    int64             // bytes of their names and link targets
	links   hardLinks         // of all archives since the last trailer
	began   bool              // some entry or trailer was there
	whole   whole             // what is compared with the boot plan
	file    *file             // the image, nil if it can only be read from start to end
	ahead   *ahead            // nil if nothing is decoded ahead
}

func (w *walker) image(in io.Reader) error {
	r := newWindow(in)
	if w.file = asFile(in); w.file != nil {
		w.info.BootConfig = bootConfig(w.file)
		w.file.size -= w.info.BootConfig
		r = w.file.from(0, w.file.size)
		// How far a decoder has read when bytes come out is known of one that is not ahead.
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

func (w *walker) segments(r *window) error {
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
				return fmt.Errorf("not an image: %w", err)
			}
		}
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
		if s.Size = r.position() - offset; codec.Name == "none" {
			s.Size = s.Unpacked
		}
		w.info.Segments = append(w.info.Segments, s)
		raw = codec.Name == "none"
		if !w.began {
			return errNoArchive
		}
	}
}

// tail is for what is neither an archive nor a stream. It returns nil if that is
// something which may stand behind an image.
func (w *walker) tail(r *window, zeros int64) error {
	head, err := r.Peek(formatHead)
	if err != nil && err != io.EOF {
		return err
	}
	fault := errors.New(describe(head))
	if len(w.info.Segments) == 0 {
		return fault
	}
	offset := r.position()
	if w.file == nil {
		if n := bootConfigAhead(r, zeros); n > 0 {
			w.info.BootConfig = n
			w.info.Size = offset + int64(r.Buffered()) - n
			return nil
		}
	}
	if head[0] == '0' && len(head) < cpio.HeaderSize && offset%4 == 0 {
		w.info.Size = offset + int64(len(head))
		w.report(headerCut, Finding{Offset: offset})
		return nil
	}
	if erased, err := skipErased(r); err != nil || !erased {
		return cmp.Or(err, fault)
	}
	w.info.Size = r.position()
	w.report(flashTail, Finding{Offset: offset})
	return nil
}

var errNoArchive = errors.New("no archive in it")

// skipZeros skips zero bytes and returns how many they were, with io.EOF if r
// ends behind them.
func skipZeros(r *window) (int64, error) {
	return skipAll(r, func(b []byte) int { return len(b) - len(bytes.TrimLeft(b, "\x00")) })
}

// skipErased skips bytes of erased flash, and zeros, and reports whether r ends behind
// them.
func skipErased(r *window) (bool, error) {
	_, err := skipAll(r, func(b []byte) int { return len(b) - len(bytes.TrimLeft(b, "\x00\xff")) })
	if err == io.EOF {
		return true, nil
	}
	return false, err
}

// skipAll skips as many bytes as skip counts at the start of what it is given. It
// returns how many they were, with io.EOF if r ends behind them.
func skipAll(r *window, skip func([]byte) int) (int64, error) {
	var n int64
	for {
		if _, err := r.Peek(1); err != nil {
			return n, err
		}
		b, _ := r.Peek(r.Buffered())
		skipped, _ := r.Discard(skip(b))
		n += int64(skipped)
		if skipped < len(b) {
			return n, nil
		}
	}
}

// detect finds what begins at offset, nil if that is nothing which the kernel takes.
// It sees a raw archive only at a multiple of 4, and after a raw one it wants even a
// compressed one there.
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
		return nil, nil
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
			err := w.stream(newWindow(d), s)
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
	err = w.stream(newWindow(scale.measure(d)), s)
	return w.noted(s, d.Notes(), err)
}

// noted adds what is known of a stream that only some kernels take, or none. It returns
// the error that reading the stream ended with, or what the kernel says behind it.
func (w *walker) noted(s *Segment, notes []compress.Note, err error) error {
	if w.member != "" {
		return err // the stub's to take
	}
	if compress.IsUnseen(err) {
		w.report(unseen, Finding{Segment: s.Index, Offset: s.Offset})
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

// stream walks what a compressed stream unpacks to: an archive as a rule, but
// the kernel takes several, raw and with padding between them. To it, a stream
// of nothing is an error only before the first archive of an image, and so are zeros.
func (w *walker) stream(r *window, s *Segment) error {
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
			head, _ := r.Peek(formatHead)
			err = errors.New(describe(head))
		case codec.Name != "none":
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

// archive walks one archive. It begins at the offset at of the image, or at is -1.
func (w *walker) archive(r *window, s *Segment, at int64) error {
	base := s.Unpacked
	if w.member != "" {
		a := cpio.NewReader(r)
		var links hardLinks
		err := w.walk(a, s, at, &links, func(h *cpio.Header) (int64, int64) {
			begin := a.Offset() - cpio.EntrySize(h.Name, 0)
			return base + begin, base + begin + cpio.EntrySize(h.Name, h.Size)
		})
		s.Unpacked += a.Offset()
		return err
	}
	u := &unpacker{r: r, raw: s.Codec == "none", base: base, report: func(r *rule, f Finding) {
		f.Segment = s.Index
		w.report(r, f)
	}}
	if u.raw {
		u.base = s.Offset
	}
	err := w.walk(u, s, at, &w.links, func(*cpio.Header) (int64, int64) { return base + u.head, base + u.end })
	if u.trailed {
		w.began = true
		clear(w.links)
	}
	if s.Unpacked += u.offset; u.raw {
		s.Unpacked = u.end
	}
	return err
}

// walk visits the entries of an archive. Place returns where the current one begins and
// ends in what the segment or member unpacks to.
func (w *walker) walk(a entryReader, s *Segment, at int64, links *hardLinks, place func(*cpio.Header) (begin, end int64)) error {
	u, _ := a.(*unpacker)
	b := &body{archive: a, begin: s.Unpacked, at: at, file: w.file}
	var e Entry
	for {
		h, err := a.Next()
		w.began = w.began || err == nil
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return damaged(err)
		}
		s.Entries++
		w.entries++
		first, file := links.find(h, w.entries)
		e = Entry{Header: *h, Segment: s.Index, Member: w.member, HardLinkOf: first, number: w.entries, file: file}
		if e.Type() == cpio.TypeLink {
			e.Mode = cpio.TypeLink | 0o777 // which all have
		}
		e.begin, e.end = place(h)
		b.size, b.taken, b.summed = h.Size, false, false
		if u != nil {
			e.Link, b.summed = u.target, u.summed
		}
		if w.text += int64(len(e.Name) + len(e.Link)); w.text > maxText+w.entries*textShare {
			return fmt.Errorf("the names of its %d entries take more than %d MiB, which no root needs", w.entries, w.text>>20)
		}
		if err := w.entry(&e, b); err != nil {
			return err
		}
	}
}

// What names and link targets may take, so that reading an image takes 64 MiB and 1 KiB an
// entry, whatever is in it.
const (
	maxText   = 4 << 20
	textShare = 256 // bytes more for each entry
)

// damaged is an error of what an archive consists of.
func damaged(err error) error {
	var fault *cpio.Error
	if errors.As(err, &fault) && fault.Msg != cpio.Cut {
		return fmt.Errorf("damaged archive: %w", err)
	}
	return err
}

func (w *walker) report(r *rule, f Finding) { w.info.Findings.add(r, f) }
