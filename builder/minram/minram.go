// Package minram computes the least RAM in which an existing image boots.
package minram

import (
	"io"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	reading "github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/builder/layout"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/arch"
)

// MinRAM is the least RAM that an image boots in.
type MinRAM = layout.MinRAM

// OfImage returns the least RAM in which an existing image boots on a machine of the
// architecture. An image without a boot plan is a root as a whole. The result leaves out the
// memory of an SELinux policy.
func OfImage(r io.ReaderAt, size int64, target string) (*MinRAM, error) {
	var boot int64 = cpio.TrailerSize // bytes of the archive with the stub
	counted, ours := &bootplan.Plan{}, int64(0)
	info, err := reading.WalkOuter(io.NewSectionReader(r, 0, size), func(e *reading.Entry, _ io.Reader) error {
		switch e.Path() {
		case "/init", "/" + bootplan.Dir, "/" + bootplan.Path, "/" + bootplan.Xattrs, "/" + bootplan.Kmsg:
			boot += cpio.EntrySize(e.Name, e.Size)
			ours++
		}
		counted.Entries++
		for i, page := range bootplan.PageSizes {
			counted.Blocks[i] += (e.Size + page - 1) / page
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	p, d := counted, layout.Demands{Type: layout.None, Image: info.Size}
	if info.Plan != nil {
		if p, err = bootplan.Parse(info.Plan); err != nil {
			return nil, err
		}
		d.Type = p.Root
	}
	switch d.Type {
	case layout.Bind:
		d.Rootfs, d.Nodes = boot, ours
	case layout.Tmpfs:
		d.Nodes = counted.Entries
	}
	for _, s := range info.Segments {
		if d.Type == layout.Tmpfs {
			d.Rootfs += s.Unpacked
		}
		d.Window = max(d.Window, windowOf(r, s, arch.Is32(target)))
	}
	return d.MinRAM(p, target), nil
}

// windowOf returns the bytes that the kernel's decompressor takes for a segment.
func windowOf(r io.ReaderAt, s reading.Segment, small bool) int64 {
	head := make([]byte, compress.HeadSize)
	n, _ := r.ReadAt(head, s.Offset)
	if c, window, err := compress.Inspect(head[:n]); err == nil {
		return c.Memory(window)
	}
	c, err := compress.Lookup(s.Codec)
	if err != nil {
		return 0
	}
	return c.Memory(c.Window(compress.Options{Size: s.Unpacked, Small: small}))
}
