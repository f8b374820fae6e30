package image

import (
	"context"
	"io"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/compress"
)

// Root is the root of an image.
type Root struct {
	Entries []Entry // as [List] returns them
	Info    *Info
	Early   Early
}

// Early is the part at the start of an image that the kernel reads before it unpacks anything:
// microcode and ACPI tables, in raw archives without other files.
type Early struct {
	Segments int         // how many of the image's there are
	Offset   int64       // where they begin, in the file that the image is in
	Size     int64       // bytes of these, with the padding behind each
	Trailer  bool        // the last of these ends with a trailer
	Entries  []EarlyFile // in the order of the image
}

// EarlyFile is an entry of an early segment.
type EarlyFile struct {
	Path string // absolute and clean
	Dir  bool
}

// ReadRoot is [List] of the image r with contents. It calls visit for every entry except
// members, in the order of the image, with a reader of the body. The streams of the image may
// unpack to limit bytes: beyond that, the error is [ErrTooLarge]. If ctx ends first, the error
// is its cause.
//
// The content of a file of the root is the body of the entry that has the Number Content.
func ReadRoot(ctx context.Context, r io.Reader, limit int64, visit func(e *Entry, body io.Reader) error) (*Root, error) {
	root := &Root{}
	w := &walker{info: &Info{}, budget: &budget{ctx, limit}}
	w.whole.sums = true
	var early earlyFinder
	w.visit = func(e *Entry, body io.Reader) error {
		early.add(e)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if e.Member == "" && memberName(e) != "" {
			return nil
		}
		return visit(e, body)
	}
	entries, _, err := w.root(r)
	root.Info = w.info
	if err != nil {
		return root, err
	}
	root.Early = early.found(w.info)
	if w.file != nil {
		root.Early.Offset = w.file.begin
	}
	root.Entries = w.settle(entries)
	w.attribute(root.Entries)
	return root, nil
}

// Number returns the position of the entry in its image, from 1 on.
func (e *Entry) Number() int64 { return e.number }

// Content returns the Number of the entry that holds the content of a file. It is known for
// entries from [List] and [ReadRoot].
func (e *Entry) Content() int64 { return e.content }

// Section returns the body of an entry as a part of the image, which can be read at any time.
// It returns nil if the image does not hold the body as it is.
func Section(body io.Reader) *io.SectionReader {
	if b, ok := body.(*entryBody); ok {
		return b.section()
	}
	return nil
}

// earlyFinder finds the early segments of an image.
type earlyFinder struct {
	segments []earlySegment // that may be early ones
	ended    bool           // no further one is
}

type earlySegment struct {
	entries []EarlyFile
	files   int
	no      bool // it has something else in it
}

// Where the kernel looks: find_cpio_data in lib/earlycpio.c is asked for
// kernel/x86/microcode/... and kernel/firmware/acpi/. dracut leaves a mark beside them.
const (
	earlyTop  = "kernel"
	earlyMark = "early_cpio"
)

func (f *earlyFinder) add(e *Entry) {
	if f.ended || e.Member != "" {
		return
	}
	for len(f.segments) <= e.Segment {
		f.segments = append(f.segments, earlySegment{})
	}
	s := &f.segments[e.Segment]
	name, _ := e.relative()
	dir := e.Type() == cpio.TypeDir
	switch {
	case dir && name == "":
		return
	case !e.IsEarly():
		s.no, f.ended = true, true
		return
	}
	s.entries = append(s.entries, EarlyFile{"/" + name, dir})
	if !dir && name != earlyMark {
		s.files++
	}
}

// IsEarly reports whether the entry can stand in an early segment.
func (e *Entry) IsEarly() bool {
	name, _ := e.relative()
	return strings.HasPrefix(name, earlyTop+"/") || name == earlyMark || e.Type() == cpio.TypeDir && (name == earlyTop || name == "")
}

// found returns the early segments of an image that has been read.
func (f *earlyFinder) found(info *Info) Early {
	early := Early{Size: info.Size - info.BootConfig}
	for i, s := range f.segments {
		if s.no || s.files == 0 || info.Segments[i].Codec != compress.None {
			break
		}
		early.Segments++
		early.Trailer = info.Segments[i].Trailer
		early.Entries = append(early.Entries, s.entries...)
	}
	switch {
	case early.Segments == 0:
		return Early{}
	case early.Segments < len(info.Segments):
		early.Size = info.Segments[early.Segments].Offset
	case info.Findings.has(flashTail): // which would be junk in front of another archive
		last := info.Segments[early.Segments-1]
		early.Size = last.Offset + last.Size
	}
	return early
}
