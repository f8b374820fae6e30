package image

import (
	"cmp"
	"io"
	"slices"
	"sort"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// Use divides the bytes of an image: those of the root and those that serve the boot. The rest
// is headers of members, trailers and padding.
type Use struct {
	Size  int64   // bytes of the image
	Early int64   // those of microcode and ACPI tables that are not in the root
	Boot  int64   // those of the stub and its plan
	Root  []Share // by path; copies in the boot segment, which early drivers ask for, count for their paths; a file's content, for its first name
}

// Share is the part of one path of the root.
//
// A codec packs similar content of many files together, so no file has packed bytes of its
// own. Packed is the number of bytes of the image that are read while the header and content
// of the file are unpacked. Within one block of the codec each unpacked byte counts the same.
type Share struct {
	Path   string
	Dir    bool
	Size   int64 // bytes of a regular file
	Packed int64 // bytes of the image
}

// Spent reads the image r and divides its bytes.
func Spent(r io.Reader) (*Use, error) {
	var early earlyFinder
	w := &walker{info: &Info{}, scales: map[stream]*scale{}}
	w.visit = func(e *Entry, _ io.Reader) error { early.add(e); return nil }
	root, boot, err := w.root(r)
	if err != nil {
		return nil, err
	}
	u := &Use{Size: w.info.Size}
	shares := map[string]*Share{}
	copied := map[string]bool{} // into the boot segment
	if p := w.info.plan(); p != nil {
		for _, path := range p.Boot {
			copied[path] = true
		}
	}
	earlySegments := early.found(w.info).Segments
	for i := range boot {
		switch e := &boot[i]; {
		case e.Segment < earlySegments:
			u.Early += w.packed(e)
		case copied[e.Path()]:
			shares[e.Path()] = &Share{Path: e.Path(), Packed: w.packed(e)}
		default:
			u.Boot += w.packed(e)
		}
	}
	share := func(path string) *Share {
		if shares[path] == nil {
			shares[path] = &Share{Path: path}
		}
		return shares[path]
	}
	first := map[int64]string{} // names of files that may have more
	for i := range root {
		e := &root[i]
		s := share(e.Path())
		// Of several entries for one path the last one counts, but the image holds all.
		s.Size, s.Dir = e.Size, e.Type() == cpio.TypeDir
		if name := first[e.file]; name != "" && e.Size > 0 {
			header, content := *e, *e
			header.end = max(e.begin, e.end-(e.Size+3)&^3)
			content.begin = header.end
			s.Size, s.Packed = 0, s.Packed+w.packed(&header)
			s = share(name)
			s.Size, s.Packed = e.Size, s.Packed+w.packed(&content)
			continue
		}
		if e.Nlink > 1 && e.Type() == cpio.TypeFile && first[e.file] == "" {
			first[e.file] = e.Path()
		}
		s.Packed += w.packed(e)
	}
	for _, s := range shares {
		u.Root = append(u.Root, *s)
	}
	slices.SortFunc(u.Root, func(a, b Share) int { return strings.Compare(a.Path, b.Path) })
	return u, nil
}

// Rest returns the bytes that belong neither to the root nor to the boot.
func (u *Use) Rest() int64 {
	rest := u.Size - u.Early - u.Boot
	for _, s := range u.Root {
		rest -= s.Packed
	}
	return rest
}

// Heaviest returns up to n of the shares, largest packed size first.
func (u *Use) Heaviest(n int) []Share {
	shares := slices.Clone(u.Root)
	slices.SortStableFunc(shares, func(a, b Share) int { return cmp.Compare(b.Packed, a.Packed) })
	return shares[:min(n, len(shares))]
}

// packed returns how many bytes of the image an entry takes.
func (w *walker) packed(e *Entry) int64 {
	offset := func(raw int64) int64 {
		if e.Member != "" {
			raw = w.scales[stream{e.Segment, e.Member}].at(raw)
		}
		return w.scales[stream{e.Segment, ""}].at(raw)
	}
	return offset(e.end) - offset(e.begin)
}

// stream is a segment, or a member in it.
type stream struct {
	segment int
	member  string
}

// scale maps bytes of an unpacked stream to offsets in the image, or in the stream around a
// member. A raw stream lies where it is read.
type scale struct {
	position func() int64
	begin    int64
	points   []point
}

// point notes that raw bytes had been unpacked when packed bytes were read.
type point struct{ raw, packed int64 }

// measure returns a reader of what d unpacks that notes points on the way.
func (s *scale) measure(d io.Reader) io.Reader {
	s.points = []point{{0, s.begin}}
	return &measured{d, s, 0}
}

// at returns the offset of the byte raw of the stream.
func (s *scale) at(raw int64) int64 {
	if s.points == nil {
		return s.begin + raw
	}
	i := sort.Search(len(s.points), func(i int) bool { return s.points[i].raw > raw })
	a := s.points[i-1]
	if i == len(s.points) {
		return a.packed
	}
	b := s.points[i]
	return a.packed + int64(float64(b.packed-a.packed)*float64(raw-a.raw)/float64(b.raw-a.raw))
}

type measured struct {
	io.Reader
	scale *scale
	raw   int64
}

// Read notes a point wherever a decoder goes on to a further block, and at the end.
func (m *measured) Read(p []byte) (int, error) {
	before := m.scale.position()
	n, err := m.Reader.Read(p)
	switch now := m.scale.position(); {
	case err == io.EOF:
		m.scale.note(point{m.raw + int64(n), now})
	case now != before:
		m.scale.note(point{m.raw, before})
	}
	m.raw += int64(n)
	return n, err
}

// note adds a point. If several points have the same raw offset, the first one stays.
func (s *scale) note(p point) {
	if s.points[len(s.points)-1].raw < p.raw {
		s.points = append(s.points, p)
	}
}
