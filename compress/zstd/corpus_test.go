package zstd

import (
	"bytes"
	"testing"

	klauspost "github.com/klauspost/compress/zstd"
)

// encode compresses data with the library.
func encode(t testing.TB, data []byte, options ...klauspost.EOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := klauspost.NewWriter(&b, append(options, klauspost.WithZeroFrames(true), klauspost.WithEncoderConcurrency(1))...)
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
