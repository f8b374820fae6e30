package image

import (
	"context"
	"errors"
	"io"
)

// ErrTooLarge says that an image unpacks to more than was allowed.
var ErrTooLarge = errors.New("unpacks to more than is allowed")

// budget bounds what the streams of an image unpack to, all together, so that a small one
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
