package builder

import (
	"io"
	"sync"
)

// progress counts the bytes of the root's archives on their way to the codec.
type progress struct {
	report      func(done, total int64) // nil if nobody wants to know
	mu          sync.Mutex              // members are packed side by side
	done, total int64
}

func newProgress(report func(done, total int64), members []member) *progress {
	p := &progress{report: report}
	for _, m := range members {
		p.total += m.size
	}
	return p
}

// through returns a writer to w that counts. It is between even if nobody wants to
// know: with a ReadFrom within reach zstd would make other bytes.
func (p *progress) through(w io.Writer) io.Writer { return counted{w, p} }

type counted struct {
	io.Writer
	progress *progress
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	p := c.progress
	if p.report == nil {
		return n, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += int64(n)
	p.report(p.done, p.total)
	return n, err
}
