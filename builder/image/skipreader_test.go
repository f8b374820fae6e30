package image

import (
	"bytes"
	"testing"
)

// zeros are a file as long as it is asked to be.
type zeros struct{}

func (zeros) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	return len(p), nil
}

// A 32-bit machine can pass over more than an int holds.
func TestSkipFar(t *testing.T) {
	const far = 5 << 30
	r := newSkipReader(newSpan(zeros{}, 0, far+1))
	if err := r.skip(far); err != nil || r.position() != far {
		t.Errorf("got position %d and error %v, want %d", r.position(), err, int64(far))
	}
	if b, err := r.Peek(1); err != nil || !bytes.Equal(b, []byte{0}) {
		t.Errorf("got % x and error %v behind it, want one byte", b, err)
	}
}
