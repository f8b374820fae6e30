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

// writeEarly writes the archives unchanged.
func (p *packer) writeEarly(ctx context.Context, e Early, out *imageWriter) error {
	raw := Codec{Codec: compress.Raw()}
	start, err := out.beginSegment(raw.Codec)
	if err != nil {
		return err
	}
	p.rootfs += e.Archives.Size()
	if _, err := io.Copy(&cancelable{ctx, out}, e.Archives); err != nil {
		return err
	}
	if err := e.Check(); err != nil {
		return err
	}
	out.endSegment("early", raw, start, e.Archives.Size(), false)
	return nil
}
