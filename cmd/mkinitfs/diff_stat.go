package main

import (
	"bufio"
	"fmt"
	"io"

	"github.com/mkinitfs/mkinitfs/builder/difference"
	"github.com/mkinitfs/mkinitfs/builder/image"
)

// stat prints the sizes of what differs, of the segments, and of all.
func (p *diffPrinter) stat(w io.Writer) error {
	out := bufio.NewWriter(w)
	p.facts(out)
	fmt.Fprintf(out, "  %12s  %12s  %12s\n", "before", "after", "change")
	line := func(mark string, a, b int64, name string) {
		fmt.Fprintf(out, "%s %12s  %12s  %12s  %s\n", mark, optionalSize(a), optionalSize(b), growth(a, b), name)
	}
	entries := func(changes []difference.Change, where string) {
		for i := range changes {
			c := &changes[i]
			line(changeText(c)[:1], sizeOf(c.A), sizeOf(c.B), printable(c.Path())+where)
		}
	}
	entries(p.Root, "")
	entries(p.Beside, " (beside the root)")
	line(" ", filesSize(p.a), filesSize(p.b), "(files of the root)")
	if p.a.Image != nil && p.b.Image != nil {
		a, b := p.a.Image.Segments, p.b.Image.Segments
		for i := range max(len(a), len(b)) {
			line(" ", segmentSize(a, i), segmentSize(b, i), fmt.Sprintf("(segment %d)", i))
		}
		line(" ", p.a.Image.Size, p.b.Image.Size, "(image)")
	}
	fmt.Fprintln(out, p.summary())
	return out.Flush()
}

// sizeOf returns the size of a file, -1 for anything else.
func sizeOf(e *difference.Entry) int64 {
	if e == nil || typeOf(e.Mode).name != "file" {
		return -1
	}
	return e.Size
}

// segmentSize returns the size of a segment, -1 for one that is not there.
func segmentSize(segments []image.Segment, i int) int64 {
	if i >= len(segments) {
		return -1
	}
	return segments[i].Size
}

// filesSize returns the bytes of all files of the root.
func filesSize(s *difference.Side) (n int64) {
	for i := range s.Root {
		if e := &s.Root[i]; e.HardLinkOf == "" {
			n += e.Size
		}
	}
	return n
}

func optionalSize(n int64) string {
	if n < 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func growth(a, b int64) string {
	d := max(b, 0) - max(a, 0)
	if d == 0 {
		return "-"
	}
	return fmt.Sprintf("%+d", d)
}
