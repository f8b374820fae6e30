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

// interruption is one of them, as the cause of a context's end.
type interruption struct{ syscall.Signal }

func (i interruption) Error() string { return i.String() }

// untilInterrupted returns a context that ends with the first of interrupts. It does not
// count signals that nohup(1) or a shell has told the command to ignore. A second signal ends
// the process if the command is still running.
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

// endAtOnce lets signals end a command that leaves nothing to clean up.
func (e environment) endAtOnce() {
	if e.own {
		signal.Reset(interrupts...)
	}
}

// unlessInterrupted returns the result of work, or the cause if ctx ends first. work then
// goes on in its goroutine, so it must not need any cleaning up.
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

// die ends the program by the signal itself, without a message. A shell ends its own loop on
// Ctrl-C only if its program died of the signal. The kernel keeps the first process of a PID
// namespace from dying so; the exit status is for that case.
func (i interruption) die() (status int) {
	if os.Getpid() != 1 {
		signal.Reset(i.Signal)
		syscall.Kill(os.Getpid(), i.Signal)
		time.Sleep(time.Second) // another thread may get the signal
	}
	return 128 + int(i.Signal)
}
