package compress

import (
	"io"
	"sync"
)

// Encoders keeps the encoders of finished streams for later ones, because an encoder of zstd
// takes 16 MiB and more. The zero value is empty. Several goroutines may use it at once.
type Encoders struct {
	mu   sync.Mutex
	idle map[*Codec][]resetter
}

// resetter is a writer that can begin a new stream with suitable options.
type resetter interface {
	io.WriteCloser
	reset(w io.Writer, o Options) bool
}

// NewWriter is c.NewWriter with an earlier encoder if one suits. The bytes are the same.
func (e *Encoders) NewWriter(c *Codec, w io.Writer, o Options) (io.WriteCloser, error) {
	if err := c.check(o); err != nil {
		return nil, err
	}
	if z := e.take(c); z != nil && z.reset(w, c.withLevel(o)) {
		return &reused{z, c, e}, nil
	}
	z, err := c.NewWriter(w, o)
	if r, ok := z.(resetter); ok && err == nil {
		return &reused{r, c, e}, nil
	}
	return z, err
}

func (e *Encoders) take(c *Codec) resetter {
	e.mu.Lock()
	defer e.mu.Unlock()
	idle := e.idle[c]
	if len(idle) == 0 {
		return nil
	}
	e.idle[c] = idle[:len(idle)-1]
	return idle[len(idle)-1]
}

func (e *Encoders) put(c *Codec, z resetter) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.idle == nil {
		e.idle = map[*Codec][]resetter{}
	}
	e.idle[c] = append(e.idle[c], z)
}

// reused is a stream whose encoder is kept when it ends.
type reused struct {
	resetter
	codec    *Codec
	encoders *Encoders
}

func (r *reused) Close() error {
	err := r.resetter.Close()
	if err == nil {
		r.encoders.put(r.codec, r.resetter)
	}
	return err
}
