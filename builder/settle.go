package builder

import (
	"cmp"
	"context"
	"fmt"

	"github.com/mkinitfs/mkinitfs/builder/envelope"
	"github.com/mkinitfs/mkinitfs/builder/pack"
	"github.com/mkinitfs/mkinitfs/builder/source"
	"github.com/mkinitfs/mkinitfs/builder/stub"
	"github.com/mkinitfs/mkinitfs/builder/translate"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/arch"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// settled is the knowledge of a build before it reads a source.
type settled struct {
	arch     string
	clock    source.Clock
	compress pack.Codec  // what the kernel unpacks
	payload  pack.Codec  // what the stub unpacks; none unless the root is a tmpfs
	cache    *pack.Cache // of what was packed before; nil for none
	unkept   bool        // the user has been told that nothing can be kept
	variant  stub.Variant
	uImage   *envelope.UImage // around the image; nil for none
}

// settle finds out what can fail without reading a source, except for the stub.
func settle(ctx context.Context, m *manifests.Manifest, o Options, n *notes) (*settled, error) {
	s := &settled{arch: cmp.Or(m.Arch, arch.Host()), clock: source.ClockAt(o.Epoch)}
	err := o.Limits.Check()
	if err != nil {
		return nil, err
	}
	if s.uImage, err = translate.UImage(m, s.arch, s.clock.Epoch); err != nil {
		return nil, err
	}
	if s.compress, err = settleCodec(ctx, m.Compress, s.arch, n); err != nil {
		return nil, err
	}
	if s.payload, err = settleCodec(ctx, m.Root.PayloadCompression(), s.arch, n); err != nil {
		return nil, err
	}
	s.variant = stub.Variant{Arch: s.arch, Codec: s.payload.Name, Supervise: m.Init.Supervise != nil}
	if !o.Recompress && (o.Cache != "" || o.WantCache) && (s.compress.Slow || s.payload.Slow) {
		if s.cache, err = pack.OpenCache(o.Cache); err != nil {
			s.unkept = true
			n.warn(fmt.Sprintf("nothing is kept for the next build: %v", err))
		}
	}
	return s, nil
}

func settleCodec(ctx context.Context, m manifests.Compression, target string, n *notes) (pack.Codec, error) {
	c := pack.Codec{Level: m.Level, Small: arch.Is32(target)}
	var err error
	if m.Command == nil {
		if c.Codec, err = compress.Lookup(m.Codec); err != nil {
			err = atPos(m.Pos, err)
		}
		return c, err
	}
	if c.Command, err = pack.FindCommand(ctx, m.Pos.String(), m.Program, m.Command); err == nil {
		c.Codec = c.Command.Codec
		n.input(c.Command.Path)
	}
	return c, err
}

// atPos returns an error with a place in the manifest.
func atPos(pos manifests.Pos, err error) error {
	return manifests.Errors{{Pos: pos, Msg: err.Error()}}
}

// stub returns the options of the stub.
func (o *Options) stub() stub.Options {
	return stub.Options{File: o.Stub, Cache: o.Cache, Notice: o.Notice}
}
