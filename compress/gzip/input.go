package gzip

import "io"

// input are the compressed bytes.
type input struct {
	Input
	own  buffer // that the Input is, of a reader that is none
	data []byte // what symbols are decoded from, and at least least bytes of it
	pos  int    // up to where that has been read
	real int    // how much of data the stream has; the rest is zeros
	err  error  // why there is no more
	tail [2 * least]byte
}

// least is how many bytes symbols has to have before each round.
const least = 16

func (in *input) reset(r io.Reader) {
	in.data, in.pos, in.real = nil, 0, 0
	if given, ok := r.(Input); ok {
		in.Input = given
		return
	}
	in.own.r, in.own.begin, in.own.end = r, 0, 0
	in.Input = &in.own
}

// take returns the next n bytes, few of them. They stay where they are until the next call.
func (in *input) take(n int) ([]byte, error) {
	b, err := in.Peek(n)
	if err != nil {
		return nil, cut(err)
	}
	in.Discard(n)
	return b, nil
}

// lend sets data to the bytes that are buffered, but at least least of them. At the end of the
// input it adds zeros, which must not be decoded into anything.
func (in *input) lend() {
	in.pos = 0
	var b []byte
	if b, in.err = in.Peek(least); in.err != nil {
		clear(in.tail[:])
		in.data, in.real = in.tail[:], copy(in.tail[:], b)
		return
	}
	in.data, _ = in.Peek(in.Buffered())
	in.real = len(in.data)
}

// giveBack ends what lend began.
func (in *input) giveBack() error {
	if in.pos > in.real {
		return cut(in.err)
	}
	in.Discard(in.pos)
	in.data, in.pos, in.real = nil, 0, 0
	return nil
}

// end returns io.EOF if the stream may end here. It does not look behind the stream in a lent
// Input, because the owner reads on there.
func (in *input) end() error {
	if in.Input != Input(&in.own) {
		return io.EOF
	}
	_, err := in.Peek(1)
	if err == nil {
		err = fault("data behind the end of the stream")
	}
	return err
}

func cut(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// buffer is an Input. (A bufio.Reader costs the stub more.)
type buffer struct {
	r          io.Reader
	begin, end int // of what is buffered
	data       [16 << 10]byte
}

func (b *buffer) Buffered() int { return b.end - b.begin }

func (b *buffer) Discard(n int) (int, error) {
	n = min(n, b.Buffered())
	b.begin += n
	return n, nil
}

func (b *buffer) Peek(n int) ([]byte, error) {
	var err error
	if b.Buffered() < n {
		b.end = copy(b.data[:], b.data[b.begin:b.end])
		b.begin = 0
		var m int
		m, err = io.ReadAtLeast(b.r, b.data[b.end:], n-b.end)
		b.end += m
		if err == io.ErrUnexpectedEOF {
			err = io.EOF
		}
	}
	return b.data[b.begin:min(b.begin+n, b.end)], err
}
