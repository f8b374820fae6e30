package zstd

import "io"

// margin is the number of bytes before and behind compressed data, literals and the window
// that may be accessed, though never used. It lets the inner loops read and write whole words
// at the ends. They read a bit stream up to 16 bytes before its beginning until they notice,
// and write up to 32 bytes where fewer are wanted.
const margin = 32

// input hands out the compressed data in pieces with a margin around them.
type input struct {
	r        io.Reader
	buf      []byte // margin, data, margin
	pos, fed int    // what has been read and not handed out is buf[pos:fed]
	base     int64  // offset of buf[0] in the data
	origin   int64  // offset of index 0 of what take returned last
	some     bool   // something has been handed out
}

func (in *input) reset(r io.Reader) {
	in.r = r
	in.pos, in.fed, in.base = margin, margin, -margin
	in.some = false
	if in.buf == nil && r != nil {
		in.buf = make([]byte, margin+maxBlock+margin)
	}
}

// take returns the next n bytes, at most maxBlock, with a margin before and
// behind them. They stay where they are until the next call.
func (in *input) take(n int) ([]byte, error) {
	if err := in.fill(n); err != nil {
		return nil, in.cut(err)
	}
	b := in.buf[in.pos-margin : in.pos+n+margin]
	in.origin = in.base + int64(in.pos-margin)
	in.pos += n
	in.some = true
	return b, nil
}

// skip passes over n bytes.
func (in *input) skip(n int64) error {
	for n > 0 {
		if err := in.fill(1); err != nil {
			return in.cut(err)
		}
		step := min(n, int64(in.fed-in.pos))
		in.pos += int(step)
		n -= step
	}
	return nil
}

// end returns io.EOF if the data ends here and this is not its beginning.
func (in *input) end() error {
	err := in.fill(1)
	if err == io.EOF && in.some {
		return err
	}
	return in.cut(err)
}

// cut returns the error that data ends where it must go on.
func (in *input) cut(err error) error {
	if err == io.EOF {
		err = &Error{in.base + int64(in.fed), "unexpected end of data", io.ErrUnexpectedEOF}
	}
	return err
}

// fill makes n bytes ready to be handed out, or returns io.EOF if there are fewer.
func (in *input) fill(n int) error {
	if in.fed-in.pos >= n {
		return nil
	}
	copy(in.buf[margin:], in.buf[in.pos:in.fed])
	in.base += int64(in.pos - margin)
	in.fed -= in.pos - margin
	in.pos = margin
	for idle := 0; in.fed-in.pos < n; {
		m, err := in.r.Read(in.buf[in.fed : len(in.buf)-margin])
		in.fed += m
		switch {
		case in.fed-in.pos >= n:
		case err != nil:
			return err
		case m > 0:
			idle = 0
		case idle == 100:
			return io.ErrNoProgress
		default:
			idle++
		}
	}
	return nil
}
