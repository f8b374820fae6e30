package pack

import (
	"context"
	"io"

	"github.com/mkinitfs/mkinitfs/compress"
)

// Early holds raw archives for the start of the image. The kernel looks there for microcode and
// ACPI tables before it unpacks anything.
type Early struct {
	Archives *io.SectionReader
	Check    func() error // returns an error if they changed while they were read
}

// writeEarly writes the archives unchanged. It pads them, so that the next segment begins at a
// multiple of 4.
func (p *packer) writeEarly(ctx context.Context, e Early, out *imageWriter) error {
	raw, err := compress.Lookup(compress.None)
	if err != nil {
		return err
	}
	start := out.size
	p.rootfs += e.Archives.Size()
	if _, err := io.Copy(&cancelable{ctx, out}, e.Archives); err != nil {
		return err
	}
	if err := e.Check(); err != nil {
		return err
	}
	if err := out.endSegment("early", Codec{Codec: raw}, start, e.Archives.Size(), false); err != nil {
		return err
	}
	return out.pad(int(-out.size & 3))
}
