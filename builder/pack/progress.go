package pack

import (
	"io"
	"sync"

	"github.com/mkinitfs/mkinitfs/builder/layout"
)

// progress counts the bytes of the root's archives on their way to the codec. A nil
// one counts nothing.
type progress struct {
	report      func(done, total int64) // may be nil
	mu          sync.Mutex              // several members are packed at once
	done, total int64
}

func newProgress(report func(done, total int64), members []layout.Member) *progress {
	p := &progress{report: report}
	for _, m := range members {
		p.total += m.Size
	}
	return p
}

// through returns a writer to w that counts.
func (p *progress) through(w io.Writer) io.Writer { return counted{w, p} }

type counted struct {
	io.Writer
	progress *progress
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.progress.add(int64(n))
	return n, err
}

// add counts n bytes.
func (p *progress) add(n int64) {
	if p == nil || p.report == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	p.report(p.done, p.total)
}
