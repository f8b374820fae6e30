package compress

import (
	"bufio"
	"io"
)

// None is the name of the codec that compresses nothing.
const None = "none"

// The codec none passes raw archives through. The kernel wants each to begin at a multiple of
// 4 of the image. It accepts newc with sums (070702) and without (070701).
var noneCodec = Codec{
	Name:   None,
	magic:  []string{"070701", "070702"},
	writer: func(w io.Writer, _ Options) (io.WriteCloser, error) { return nopCloser{w}, nil },
	reader: func(r *bufio.Reader, _ *notes) (io.ReadCloser, error) { return io.NopCloser(r), nil },
	window: func(Options) int64 { return 0 },
	inspect: func(*Codec, []byte) (int64, error) {
		return 0, &Refused{"it compresses nothing", "the codec none does that without a command"}
	},
}

// Raw returns the codec that compresses nothing.
func Raw() *Codec { return &noneCodec }

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
