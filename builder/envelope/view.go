package envelope

import (
	"bytes"
	"io"
)

const viewSize = 4 << 10

// view reads small pieces of a range of a file. Pieces that lie close to each other share one
// read.
type view struct {
	r           io.ReaderAt
	begin, size int64
	at          int64
	buf         []byte
}

// newView returns a view over size bytes from the offset begin on.
func newView(r io.ReaderAt, begin, size int64) *view {
	return &view{r: r, begin: begin, size: size}
}

// bytes returns n bytes, at most viewSize, from the offset at on. They are valid until the
// next call. If the range is too short, the error is errCut.
func (w *view) bytes(at int64, n int) ([]byte, error) {
	if at < 0 || at > w.size || int64(n) > w.size-at {
		return nil, errCut
	}
	if at < w.at || at+int64(n) > w.at+int64(len(w.buf)) {
		if w.buf == nil {
			w.buf = make([]byte, viewSize)
		}
		b := w.buf[:min(viewSize, w.size-at)]
		got, err := w.r.ReadAt(b, w.begin+at)
		w.at, w.buf = at, w.buf[:got]
		if got < n {
			w.buf = w.buf[:0]
			if err == io.EOF {
				err = errCut
			}
			return nil, err
		}
	}
	from := at - w.at
	return w.buf[from : from+int64(n)], nil
}

// text returns the string at an offset, up to its zero byte. The string has at most most bytes.
func (w *view) text(at int64, most int) ([]byte, error) {
	b, err := w.bytes(at, int(min(int64(most)+1, max(0, w.size-at))))
	if err != nil {
		return nil, err
	}
	end := bytes.IndexByte(b, 0)
	if end < 0 {
		return nil, errCut
	}
	return b[:end], nil
}
