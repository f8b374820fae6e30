package builder

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/pack"
	"github.com/mkinitfs/mkinitfs/builder/source"
	"github.com/mkinitfs/mkinitfs/builder/stub"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/arch"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// settled is what a build knows before it reads a source.
type settled struct {
	arch    string
	clock   source.Clock
	outer   pack.Codec  // what the kernel unpacks
	payload pack.Codec  // what the stub unpacks; none unless the root is a tmpfs
	cache   *pack.Cache // of what was packed before; nil for none
	unkept  bool        // the user has been told that nothing can be kept
	variant stub.Variant
}

// settle finds out what can fail without reading a source, but for the stub.
func settle(ctx context.Context, m *manifests.Manifest, o Options, n *notes) (*settled, error) {
	s := &settled{arch: m.Arch}
	if s.arch == "" {
		s.arch = arch.Host()
	}
	if o.Epoch != nil {
		s.clock = source.Clock{Epoch: *o.Epoch, Set: true}
	}
	var err error
	if s.outer, err = settleCodec(ctx, m.Compress, s.arch, n); err != nil {
		return nil, err
	}
	if s.payload, err = settleCodec(ctx, payload(m.Root), s.arch, n); err != nil {
		return nil, err
	}
	s.variant = stub.Variant{Arch: s.arch, Codec: s.payload.Name, Supervise: m.Init.Supervise != nil}
	if !o.Recompress && (o.Cache != "" || o.WantCache) && (s.outer.Slow || s.payload.Slow) {
		if s.cache, err = pack.OpenCache(o.Cache); err != nil {
			s.unkept = true
			n.warn(fmt.Sprintf("nothing is kept for the next build: %v", err))
		}
	}
	return s, nil
}

// payload returns what compresses the members of a root. Auto is zstd on every machine: of
// the codecs that unpack fast it makes the smallest images. A 32-bit MIPS unpacks gzip faster,
// with a smaller window, but such a machine has little flash.
func payload(r manifests.Root) manifests.Compression {
	c := r.Payload
	switch {
	case r.Type != manifests.Tmpfs:
		return manifests.Compression{Codec: compress.None}
	case c.Codec == "auto":
		c.Codec = "zstd"
	}
	return c
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

// stub says where the stub comes from.
func (o *Options) stub() stub.Options {
	return stub.Options{File: o.Stub, Cache: o.Cache, Notice: o.Notice}
}

// withStub runs work while it fetches the stub, or compiles it, on another core. The context
// of work ends when the stub cannot be had, so that no source is read in vain. After an error
// of work the stub is given up.
func withStub(ctx context.Context, v stub.Variant, o Options, work func(context.Context) error) (*stub.Stub, error) {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var s *stub.Stub
	var failed error
	done := make(chan struct{})
	go func() {
		defer close(done)
		if s, failed = stub.Get(inner, v, o.stub()); failed == nil {
			failed = checkStub(s)
		}
		if failed != nil {
			cancel(failed)
		}
	}()
	err := work(inner)
	if err != nil {
		cancel(err) // does nothing if the stub has
	}
	<-done
	if failed != nil && (err == nil || ctx.Err() == nil && errors.Is(err, context.Canceled)) {
		return nil, failed
	}
	return s, err
}

// findStub finds out whether the stub can be had, without compiling it.
func findStub(ctx context.Context, v stub.Variant, o Options) error {
	s, err := stub.Find(ctx, v, o.stub())
	if err != nil || s == nil {
		return err
	}
	return checkStub(s)
}

// checkStub refuses a program that is no stub. Package stub refuses other Go programs.
func checkStub(s *stub.Stub) error {
	if bytes.Contains(s.Data, []byte("/"+bootplan.Path)) {
		return nil
	}
	return fmt.Errorf("stub %s: is another program: nothing in it reads /%s\n"+
		"  the stub of an image is its /init: mkinitfs extract --outer IMAGE DIR", s.Origin, bootplan.Path)
}
