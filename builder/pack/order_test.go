package pack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// log is a sink that records its input, and fails on request.
type log struct {
	strings.Builder
	failBegin, failWrite, failEnd int // member, -1 is none
	at                            int
}

func newLog() *log { return &log{failBegin: -1, failWrite: -1, failEnd: -1} }

var errSink = errors.New("disk full")

func (l *log) begin(i int) error {
	fmt.Fprintf(&l.Builder, "<%d:", i)
	l.at = i
	return failAt(i, l.failBegin)
}

func (l *log) Write(p []byte) (int, error) {
	if err := failAt(l.at, l.failWrite); err != nil {
		return 0, err
	}
	return l.Builder.Write(p)
}

func (l *log) end(i int) error {
	fmt.Fprintf(&l.Builder, ":%d>", i)
	return failAt(i, l.failEnd)
}

func failAt(i, fail int) error {
	if i == fail {
		return fmt.Errorf("member %d: %w", i, errSink)
	}
	return nil
}

// content returns the content of the i-th member, in pieces.
func content(i int) []string {
	rng := rand.New(rand.NewPCG(uint64(i), 0))
	pieces := make([]string, rng.IntN(6))
	for j := range pieces {
		pieces[j] = fmt.Sprintf("%d.%d ", i, j)
	}
	return pieces
}

// dawdle lets other goroutines run, as long as chance has it.
func dawdle(rng *rand.Rand) {
	for range rng.IntN(4) {
		runtime.Gosched()
	}
}

func packContent(seed uint64) func(context.Context, int, io.Writer) error {
	return func(_ context.Context, i int, w io.Writer) error {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		for _, piece := range content(i) {
			dawdle(rng)
			if _, err := io.WriteString(w, piece); err != nil {
				return err
			}
		}
		dawdle(rng)
		return nil
	}
}

func TestInOrder(t *testing.T) {
	for seed := range uint64(300) {
		n, workers := int(seed%23), 1+int(seed%7)
		var want strings.Builder
		for i := range n {
			fmt.Fprintf(&want, "<%d:%s:%d>", i, strings.Join(content(i), ""), i)
		}
		out := newLog()
		if err := inOrder(t.Context(), n, workers, out, packContent(seed)); err != nil {
			t.Fatalf("%d members, %d workers: %v", n, workers, err)
		}
		if got, want := out.String(), want.String(); got != want {
			t.Fatalf("%d members, %d workers: got\n%s, want\n%s", n, workers, got, want)
		}
	}
}

// TestInOrderBounds checks that the other members are packed ahead while the first one waits,
// up to a number of members and an amount of memory.
func TestInOrderBounds(t *testing.T) {
	const n, workers = 12, 3
	for _, tt := range []struct {
		name   string
		pieces int // MiB of a member
		begun  int64
		kept   int64
	}{
		{"large members", 20, workers, (workers - 1) * share},
		{"small members", 1, 2 * workers, (2*workers - 1) << 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var begun, kept atomic.Int64
				var out discard
				hold, done := make(chan bool), make(chan error)
				go func() {
					done <- inOrder(t.Context(), n, workers, &out, func(_ context.Context, i int, w io.Writer) error {
						begun.Add(1)
						if i == 0 {
							<-hold
						}
						for range tt.pieces {
							m, err := w.Write(make([]byte, 1<<20))
							if err != nil {
								return err
							}
							kept.Add(int64(m))
						}
						return nil
					})
				}()
				synctest.Wait() // until nothing moves any more
				if got := begun.Load(); got != tt.begun {
					t.Errorf("got %d members begun, want %d", got, tt.begun)
				}
				if got := kept.Load(); got != tt.kept {
					t.Errorf("got %d bytes kept, want %d", got, tt.kept)
				}
				close(hold)
				if err := <-done; err != nil {
					t.Fatal(err)
				}
				if got, want := int64(out), int64(n*tt.pieces<<20); got != want {
					t.Errorf("got %d bytes written, want %d", got, want)
				}
			})
		})
	}
}

// discard is a sink that counts.
type discard int64

func (d *discard) begin(int) error { return nil }
func (d *discard) end(int) error   { return nil }
func (d *discard) Write(p []byte) (int, error) {
	*d += discard(len(p))
	return len(p), nil
}

func TestInOrderErrors(t *testing.T) {
	errPack := errors.New("file gone")
	for seed := range uint64(400) {
		n, workers := 1+int(seed%17), 1+int(seed%5)
		bad := int(seed/4) % n
		out := newLog()
		pack := packContent(seed)
		want := errSink
		switch seed % 4 {
		case 0:
			out.failBegin = bad
		case 1:
			out.failEnd = bad
		case 2:
			out.failWrite = bad
			if len(content(bad)) == 0 {
				continue // nothing to write, nothing to fail
			}
		case 3:
			want = errPack
			pack = func(ctx context.Context, i int, w io.Writer) error {
				if err := packContent(seed)(ctx, i, w); err != nil || i != bad {
					return err
				}
				return fmt.Errorf("member %d: %w", i, errPack)
			}
		}
		err := inOrder(t.Context(), n, workers, out, pack)
		if !errors.Is(err, want) || err.Error() != fmt.Sprintf("member %d: %v", bad, want) {
			t.Fatalf("%d members, %d workers, case %d in member %d: got error %v", n, workers, seed%4, bad, err)
		}
		if strings.Contains(out.String(), fmt.Sprintf(":%d>", bad+1)) {
			t.Fatalf("member %d came after %d had failed: %s", bad+1, bad, out)
		}
	}
}

// TestInOrderCancelled checks that a cancelled build ends, whatever its workers wait for.
func TestInOrderCancelled(t *testing.T) {
	why := errors.New("interrupted")
	for seed := range uint64(200) {
		n, workers := 1+int(seed%17), 1+int(seed%5)
		at := int(seed/3) % n
		ctx, cancel := context.WithCancelCause(t.Context())
		err := inOrder(ctx, n, workers, newLog(), func(ctx context.Context, i int, w io.Writer) error {
			if i == at {
				cancel(why)
			}
			if i == 0 && at < workers { // all the others wait for this one
				<-ctx.Done()
			}
			return packContent(seed)(ctx, i, w)
		})
		if err != why {
			t.Fatalf("%d members, %d workers, cancelled in member %d: got error %v, want %v", n, workers, at, err, why)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	err := inOrder(ctx, 3, 2, newLog(), packContent(0))
	if err != why {
		t.Errorf("cancelled before: got error %v, want %v", err, why)
	}
}
