package image

import (
	"context"
	"io"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/envelope"
	"github.com/mkinitfs/mkinitfs/compress"
)

// Inspection says what an image is made of.
type Inspection struct {
	Info       *Info
	Parameters []compress.Parameters // of Info.Segments
	Early      Early                 // microcode and the like, with paths
	Stub       *Stub                 // nil for none
	BootConfig string                // the text of the boot configuration, "" for none and for one that no kernel takes

	// The root, if the image was read to its end.
	Types  map[uint32]int // numbers of entries by the type bits of their mode
	Files  int64          // bytes of the root's files
	Xattrs map[string]int // numbers of paths by the name of an extended attribute

	// Part is the part of Info.Envelope that was read, nil for a bare image.
	Part *envelope.Part
}

// maxBootConfig is the most text that a kernel takes (XBC_DATA_MAX in include/linux/bootconfig.h).
const maxBootConfig = 32 << 10

// Inspect reads the image in to its end. If that fails, it returns what was read until then and
// the error.
func Inspect(ctx context.Context, in File) (*Inspection, error) {
	w := &walker{info: &Info{}}
	i := &Inspection{Info: w.info}
	var early earlyFinder
	w.visit = func(e *Entry, _ io.Reader) error {
		early.add(e)
		return context.Cause(ctx)
	}
	root, _, err := w.root(in)
	i.inside(in, w)
	if err != nil {
		return i, err
	}
	i.Early = early.found(w.info)
	i.Types, i.Xattrs = map[uint32]int{}, map[string]int{}
	settled := w.settle(root)
	w.attribute(settled)
	for j := range settled {
		e := &settled[j]
		i.Types[e.Type()]++
		if e.Type() == cpio.TypeFile && e.HardLinkOf == "" {
			i.Files += e.Size
		}
		for name := range e.Xattrs {
			i.Xattrs[name]++
		}
	}
	i.Stub, err = ReadStub(in)
	return i, err
}

// inside reads what lies beside the entries.
func (i *Inspection) inside(in File, w *walker) {
	if e := w.info.Envelope; e != nil {
		name := ""
		if c, ok := in.(Choice); ok {
			name = c.Ramdisk()
		}
		i.Part, _ = e.Find(name) // which has been found before
	}
	if w.file == nil {
		return
	}
	for _, s := range w.info.Segments {
		head := make([]byte, min(compress.HeadSize, s.Size))
		n, _ := w.file.ReadAt(head, w.file.begin+s.Offset)
		i.Parameters = append(i.Parameters, compress.ParametersOf(head[:n]))
	}
	const most = maxBootConfig + int64(bootConfigTrailer+bootConfigPadding)
	if n := w.info.BootConfig; n > 0 && n <= most {
		block := make([]byte, n)
		m, _ := w.file.ReadAt(block, w.file.begin+w.file.size)
		if size, _, _, ok := bootConfigEnd(block[:m]); ok && size <= int64(m) {
			i.BootConfig = strings.TrimRight(string(block[:size]), "\x00")
		}
	}
}
