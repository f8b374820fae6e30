package stub

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// During runs work while another core gets or compiles the stub. It cancels the context of
// work when there is no stub to be had, so that no source is read in vain. If work fails,
// During abandons the stub.
func During(ctx context.Context, v Variant, o Options, work func(context.Context) error) (*Stub, error) {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var s *Stub
	var failed error
	done := make(chan struct{})
	go func() {
		defer close(done)
		if s, failed = Get(inner, v, o); failed == nil {
			failed = check(s)
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

// Obtainable returns why the stub cannot be had, or nil. It compiles nothing.
func Obtainable(ctx context.Context, v Variant, o Options) error {
	s, err := Find(ctx, v, o)
	if err != nil || s == nil {
		return err
	}
	return check(s)
}

// check refuses a program that is no stub. Get has already refused other Go programs.
func check(s *Stub) error {
	if bytes.Contains(s.Data, []byte("/"+bootplan.Path)) {
		return nil
	}
	return fmt.Errorf("stub %s: is another program: nothing in it reads /%s\n"+
		"  the stub of an image is its /init: mkinitfs extract --outer IMAGE DIR", s.Origin, bootplan.Path)
}
