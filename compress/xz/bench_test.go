package xz

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/ulikunitz/xz"
)

// BenchmarkDecode compares with the library, on some of everything, or on the
// xz file that XZ_BENCH_FILE names.
func BenchmarkDecode(b *testing.B) {
	var packed []byte
	if name := os.Getenv("XZ_BENCH_FILE"); name != "" {
		var err error
		if packed, err = os.ReadFile(name); err != nil {
			b.Fatal(err)
		}
	} else {
		data := text(newRand(), 2<<20)
		for _, s := range samples(b) {
			data = append(data, s.data...)
		}
		packed = encode(b, data, xz.WriterConfig{CheckSum: xz.CRC32})
	}
	ours := new(Decoder)
	for _, test := range []struct {
		name string
		open func(io.Reader) (io.Reader, error)
	}{
		{"ours", func(r io.Reader) (io.Reader, error) { return ours, ours.Reset(r) }},
		{"library", func(r io.Reader) (io.Reader, error) { return xz.NewReader(r) }},
	} {
		b.Run(test.name, func(b *testing.B) {
			buf := make([]byte, 64<<10)
			for b.Loop() {
				r, err := test.open(bytes.NewReader(packed))
				if err != nil {
					b.Fatal(err)
				}
				size, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, buf)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(size)
			}
		})
	}
}
