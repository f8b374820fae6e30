package image

import (
	"context"
	"errors"
	"io"
)

// ErrTooLarge means that an image unpacks to more bytes than its limit.
var ErrTooLarge = errors.New("unpacks to more than is allowed")

// budget bounds the unpacked size of all streams of an image together, so that a small image
// cannot unpack without end.
type budget struct {
	ctx  context.Context
	left int64 // bytes
}

// of returns a reader of r that takes its bytes off the budget.
func (b *budget) of(r io.Reader) io.Reader {
	if b == nil {
		return r
	}
	return &budgeted{r, b}
}

type budgeted struct {
	r      io.Reader
	budget *budget
}

func (r *budgeted) Read(p []byte) (int, error) {
	b := r.budget
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	n, err := r.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}
