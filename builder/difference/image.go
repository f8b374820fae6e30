package difference

import (
	"context"
	"io"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/image"
)

// OfImage returns the image in, which must be a file and stay open, as a side.
func OfImage(ctx context.Context, name string, in image.File) (*Side, error) {
	p, err := image.ReadParts(ctx, in)
	s := &Side{Name: name, Kind: Image, Image: p.Info}
	if err != nil {
		return s, err
	}
	s.Root, s.facts = imageEntries(p.Root), imageFacts(p)
	s.Beside = withoutCopies(imageEntries(p.Beside), s.Root)
	if p.Info.Plan != nil {
		if s.Plan, err = bootplan.Parse(p.Info.Plan); err != nil {
			return s, err
		}
	}
	if p.Early.Segments > 0 {
		s.early = map[string]bool{"/": true} // which Early.Entries leave out
	}
	for _, e := range p.Early.Entries {
		s.early[e.Path] = true
	}
	s.contents = func(ctx context.Context, want map[int64]bool, visit func(int64, io.Reader) error) error {
		return image.Contents(ctx, in, want, visit)
	}
	return s, nil
}

// withoutEarly returns the root of an image without the entries that only its early archives
// bring. Directories of the root get the planned times, because the kernel keeps the times of the
// first entry, which an early archive may have.
func (s *Side) withoutEarly(planned []Entry) (rest []Entry) {
	for x, y := range pairs(s.Root, planned) {
		if x == nil || y == nil && s.early[x.Path] {
			continue
		}
		e := *x
		if s.early[e.Path] && kind(x) == cpio.TypeDir {
			e.MTime = y.MTime
		}
		rest = append(rest, e)
	}
	return rest
}

func imageEntries(list []image.Entry) []Entry {
	entries, linked := make([]Entry, len(list)), map[string]int64{}
	files := map[string]int64{} // by their first names
	for i := range list {
		e := &list[i]
		entries[i] = Entry{
			Path: e.Path(), Mode: e.Mode, UID: e.UID, GID: e.GID, MTime: e.MTime, Target: e.Link,
			Major: e.RdevMajor, Minor: e.RdevMinor, Xattrs: e.Xattrs, content: e.Content(),
		}
		if e.Type() == cpio.TypeFile {
			entries[i].Size = e.Size
		}
		if e.Nlink < 2 || e.Type() == cpio.TypeDir {
			continue
		}
		first := e.File()
		if files[first] == 0 {
			files[first] = int64(len(files) + 1)
		}
		linked[e.Path()] = files[first]
	}
	arrange(entries, linked)
	return entries
}

// withoutCopies leaves out the directories, links and nodes that the root has, too: they
// change with it.
func withoutCopies(beside, root []Entry) (rest []Entry) {
	for x, y := range pairs(beside, root) {
		if x != nil && (y == nil || isFile(x) || differences(x, y, map[string]bool{MTime: true, Xattrs: true}) != nil) {
			rest = append(rest, *x)
		}
	}
	return rest
}
