package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// interrupts are the signals that ask a command to clean up and end.
var interrupts = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}

// interruption is one of them as the cause that a context has ended for.
type interruption struct{ syscall.Signal }

func (i interruption) Error() string { return i.String() }

// untilInterrupted returns a context that ends with the first of interrupts, but for
// those that nohup(1) or a shell has the command ignore. A second one ends what
// does not end by itself.
func (e environment) untilInterrupted() context.Context {
	if !e.own {
		return context.Background()
	}
	ctx, end := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	for _, s := range interrupts {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	go func() {
		s := <-signals
		signal.Stop(signals)
		end(interruption{s.(syscall.Signal)})
	}()
	return ctx
}

// endAtOnce has signals end a command that leaves nothing to clean up.
func (e environment) endAtOnce() {
	if e.own {
		signal.Reset(interrupts...)
	}
}

// unlessInterrupted returns the result of work, or the cause for which ctx ended before. Work
// then goes on by itself, so it must not need any cleaning up.
func unlessInterrupted[T any](ctx context.Context, work func() (T, error)) (result T, err error) {
	type outcome struct {
		result T
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		result, err := work()
		done <- outcome{result, err}
	}()
	select {
	case o := <-done:
		return o.result, o.err
	case <-ctx.Done():
		return result, context.Cause(ctx)
	}
}

// die ends the program by the signal itself, without a word: a shell looks whether it
// did to tell whether Ctrl-C was meant for its loop, too. The first process of a
// PID namespace is kept from that by the kernel; the exit status is for it.
func (i interruption) die() (status int) {
	if os.Getpid() != 1 {
		signal.Reset(i.Signal)
		syscall.Kill(os.Getpid(), i.Signal)
		time.Sleep(time.Second) // another thread may be the one to get it
	}
	return 128 + int(i.Signal)
}
