package builder

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/stub"
	"github.com/mkinitfs/mkinitfs/internal/newfile"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// purpose is what a build is prepared for.
type purpose int

const (
	toCheck purpose = iota
	toWrite
)

// pendingStub is a stub that is fetched, or compiled, on another core.
type pendingStub struct {
	build  context.Context // ends when the whole build is to end
	cancel context.CancelCauseFunc
	done   chan struct{}
	stub   *stub.Stub
	err    error
}

// stub says where the stub comes from.
func (o *Options) stub() stub.Options {
	return stub.Options{File: o.Stub, Cache: o.Cache, Notice: o.Notice}
}

// settleStub finds out whether the stub can be had. To write an image it begins to fetch
// the stub: the context that it returns ends when that fails, so that no source is read
// in vain.
func (b *build) settleStub(ctx context.Context, to purpose) (context.Context, error) {
	if b.manifest.Root.Type == manifests.None {
		return ctx, nil
	}
	v := stub.Variant{Arch: b.arch, Codec: b.payload.Name, Supervise: b.manifest.Init.Supervise != nil}
	if to == toCheck {
		s, err := stub.Find(ctx, v, b.options.stub())
		if err == nil && s != nil {
			err = checkStub(s)
		}
		return ctx, err
	}
	p := &pendingStub{build: ctx, done: make(chan struct{})}
	ctx, p.cancel = context.WithCancelCause(ctx)
	b.pending = p
	go func() {
		defer close(p.done)
		p.stub, p.err = stub.Get(ctx, v, b.options.stub())
		if p.err == nil {
			p.err = checkStub(p.stub)
		}
		if p.err != nil {
			p.cancel(p.err)
		}
	}()
	return ctx, nil
}

// takeStub waits for the stub. After an error of what was done meanwhile it gives the
// stub up, and returns that error, or the one that was the reason for it.
func (b *build) takeStub(err error) error {
	p := b.pending
	if p == nil {
		return err
	}
	if err != nil {
		p.cancel(err) // does nothing if the stub has
	}
	<-p.done
	defer p.cancel(nil)
	switch {
	case err != nil && (p.build.Err() != nil || !errors.Is(err, context.Canceled)):
		return err
	case p.err != nil:
		return p.err
	}
	b.stub = p.stub
	wanted := b.options.Cache != "" || b.options.WantCache
	if err := b.stub.Unkept; err != nil && wanted && b.unkept == nil {
		b.warning(fmt.Sprintf("the stub is compiled for every build: %v", err))
	}
	return nil
}

// checkStub refuses a program that is no stub. Other Go programs are refused by package
// stub.
func checkStub(s *stub.Stub) error {
	if bytes.Contains(s.Data, []byte("/"+bootplan.Path)) {
		return nil
	}
	return fmt.Errorf("stub %s: is another program: nothing in it reads /%s\n"+
		"  the stub of an image is its /init: mkinitfs extract --outer IMAGE DIR", s.Origin, bootplan.Path)
}

// settleTarget finds out whether a new file can be made beside path.
func settleTarget(path string) error {
	f, err := newfile.Create(path, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}
