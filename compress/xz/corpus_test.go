package xz

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/mkinitfs/mkinitfs/internal/decodertest"
)

// encode compresses data with the library.
func encode(t testing.TB, data []byte, c xz.WriterConfig) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := c.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// oracle is our decoder and the library's, which takes all that ours takes. (It
// takes more, such as a stream that is cut off in its index.)
type oracle struct{ ours Decoder }

func (o *oracle) compare(t *testing.T, data []byte) {
	t.Helper()
	o.ours.Reset(bytes.NewReader(data))
	got, err := io.ReadAll(io.LimitReader(&o.ours, decodertest.Enough))
	want, wantErr := theirs(data)
	if err == nil && (wantErr != nil || !bytes.Equal(got, want)) {
		t.Errorf("got %d bytes and no error, want %d bytes and error %v, or they differ", len(got), len(want), wantErr)
	}
}

func theirs(data []byte) (b []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("the library panicked")
		}
	}()
	r, err := xz.ReaderConfig{SingleStream: true}.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, decodertest.Enough))
}
