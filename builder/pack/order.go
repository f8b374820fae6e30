package pack

import (
	"context"
	"io"
	"sync"
)

// sink takes the packed members one after the other, in order.
type sink interface {
	begin(i int) error
	io.Writer
	end(i int) error
}

// inOrder calls pack for 0 <= i < n on several goroutines and passes their output to out in the
// order of i. The output of the current member passes through. The output of the others is kept
// in blocks. All of them share a fixed number of blocks, and a worker waits if there is none
// left. So the number of workers bounds the memory, whatever the members' sizes. The order in
// which members finish does not change the image.
func inOrder(ctx context.Context, n, workers int, out sink, pack func(ctx context.Context, i int, w io.Writer) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	q := &queue{out: out, slots: 2 * workers, blocks: (workers - 1) * share / blockSize, packing: map[int]*turn{}}
	q.changed.L = &q.mu
	stop := context.AfterFunc(ctx, func() {
		q.mu.Lock()
		q.err = context.Cause(ctx)
		q.changed.Broadcast()
		q.mu.Unlock()
	})
	defer stop()

	var done sync.WaitGroup
	for range min(workers, n) {
		done.Add(1)
		go func() {
			defer done.Done()
			for {
				t := q.take(n)
				if t == nil {
					return
				}
				err := pack(ctx, t.i, t)
				if err == nil {
					err = t.finish()
				}
				if err != nil {
					cancel(err)
					return
				}
			}
		}()
	}
	done.Wait()
	q.mu.Lock()
	defer q.mu.Unlock()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return q.err
}

// queue is the order of the members. Its lock is held during writes to out. Only the current
// member writes there.
type queue struct {
	mu      sync.Mutex
	changed sync.Cond
	out     sink
	slots   int      // members in hand at once
	blocks  int      // that may still be made
	spare   [][]byte // blocks for reuse
	next    int      // member to be taken next
	head    int      // member whose turn it is
	packing map[int]*turn
	err     error
}

// turn is a member that is being packed, as an io.Writer.
type turn struct {
	q    *queue
	i    int
	kept [][]byte // blocks of what was written before its turn
	done bool
}

const (
	share     = 8 << 20 // bytes that are kept for each worker except one
	blockSize = 64 << 10
)

// take returns the next member, nil if there is none or the work has failed.
func (q *queue) take(n int) *turn {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.err == nil && q.next < n && q.next >= q.head+q.slots {
		q.changed.Wait()
	}
	if q.err != nil || q.next >= n {
		return nil
	}
	t := &turn{q: q, i: q.next}
	q.packing[t.i] = t
	q.next++
	if t.i == q.head {
		q.fail(q.out.begin(t.i))
	}
	return t
}

func (t *turn) Write(p []byte) (int, error) {
	q := t.q
	q.mu.Lock()
	defer q.mu.Unlock()
	rest := p
	for q.err == nil && t.i != q.head && len(rest) > 0 {
		rest = rest[t.keep(rest):]
	}
	if q.err == nil && len(rest) > 0 {
		t.flush()
		_, err := q.out.Write(rest)
		q.fail(err)
	}
	if q.err != nil {
		return 0, q.err
	}
	return len(p), nil
}

// keep copies the beginning of p to a block and returns the number of bytes. If there is no
// block, it waits for a change and returns 0.
func (t *turn) keep(p []byte) int {
	q, last := t.q, len(t.kept)-1
	switch {
	case last >= 0 && len(t.kept[last]) < blockSize:
	case len(q.spare) > 0:
		last++
		t.kept = append(t.kept, q.spare[len(q.spare)-1])
		q.spare = q.spare[:len(q.spare)-1]
	case q.blocks > 0:
		last++
		t.kept = append(t.kept, make([]byte, 0, blockSize))
		q.blocks--
	default:
		q.changed.Wait()
		return 0
	}
	n := min(len(p), blockSize-len(t.kept[last]))
	t.kept[last] = append(t.kept[last], p[:n]...)
	return n
}

// flush writes the blocks of the member, whose turn it is now.
func (t *turn) flush() {
	if len(t.kept) == 0 {
		return
	}
	q := t.q
	for _, block := range t.kept {
		if q.err == nil {
			_, err := q.out.Write(block)
			q.fail(err)
		}
		q.spare = append(q.spare, block[:0])
	}
	t.kept = nil
	q.changed.Broadcast()
}

// finish marks the member as complete. If it was its turn, the next incomplete member gets it.
func (t *turn) finish() error {
	q := t.q
	q.mu.Lock()
	defer q.mu.Unlock()
	t.done = true
	for q.err == nil {
		first := q.packing[q.head]
		if first == nil || !first.done {
			break
		}
		first.flush()
		q.fail(q.out.end(first.i))
		delete(q.packing, first.i)
		q.head++
		if q.err == nil && q.packing[q.head] != nil {
			q.fail(q.out.begin(q.head))
		}
	}
	q.changed.Broadcast()
	return q.err
}

func (q *queue) fail(err error) {
	if err != nil && q.err == nil {
		q.err = err
		q.changed.Broadcast()
	}
}
