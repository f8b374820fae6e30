package zstd

import (
	"bytes"
	"io"
	"testing"

	klauspost "github.com/klauspost/compress/zstd"

	"github.com/mkinitfs/mkinitfs/internal/decodertest"
)

// FuzzDecode has the library judge: what one accepts the other accepts, with the
// same result.
func FuzzDecode(f *testing.F) {
	for _, checksum := range []bool{false, true} {
		for _, frame := range smallFrames(f, klauspost.WithEncoderCRC(checksum)) {
			f.Add(frame.Data)
		}
	}
	o := newOracle(f)
	f.Fuzz(func(t *testing.T, data []byte) { o.compare(t, data) })
}

// oracle is our decoder and the library's.
type oracle struct {
	ours   *Decoder
	theirs *klauspost.Decoder
}

func newOracle(t testing.TB) *oracle {
	theirs, err := klauspost.NewReader(nil, klauspost.WithDecoderConcurrency(1),
		klauspost.WithDecoderLowmem(true), klauspost.WithDecoderMaxWindow(MaxWindow))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(theirs.Close)
	return &oracle{NewDecoder(), theirs}
}

func (o *oracle) compare(t *testing.T, data []byte) {
	t.Helper()
	if len(data) == 0 {
		return // to the library, no frame at all is a whole input
	}
	o.ours.Reset(bytes.NewReader(data))
	got, err := io.ReadAll(io.LimitReader(o.ours, decodertest.Enough))
	o.theirs.Reset(bytes.NewReader(data))
	want, wantErr := io.ReadAll(io.LimitReader(o.theirs, decodertest.Enough))
	if (err == nil) != (wantErr == nil) {
		t.Errorf("got error %v, want %v", err, wantErr)
	}
	if err == nil && wantErr == nil && !bytes.Equal(got, want) {
		t.Errorf("got %d bytes, want %d, and they differ", len(got), len(want))
	}
}
