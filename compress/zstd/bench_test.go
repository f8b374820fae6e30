package zstd

import (
	"bytes"
	"io"
	"os"
	"testing"

	klauspost "github.com/klauspost/compress/zstd"
)

// BenchmarkDecode compares with the library, which has assembly, on a program and
// text, or on the zstd file that ZSTD_BENCH_FILE names.
func BenchmarkDecode(b *testing.B) {
	var packed []byte
	if name := os.Getenv("ZSTD_BENCH_FILE"); name != "" {
		var err error
		if packed, err = os.ReadFile(name); err != nil {
			b.Fatal(err)
		}
	} else {
		exe, err := os.Executable()
		if err != nil {
			b.Fatal(err)
		}
		data, err := os.ReadFile(exe)
		if err != nil {
			b.Fatal(err)
		}
		data = append(data, text(newRand(), 4<<20)...)
		packed = encode(b, data, klauspost.WithEncoderLevel(klauspost.SpeedBestCompression))
	}
	library := newOracle(b).theirs
	ours := NewDecoder()
	for _, test := range []struct {
		name  string
		r     io.Reader
		reset func(io.Reader) error
	}{
		{"ours", ours, ours.Reset},
		{"library", library, library.Reset},
	} {
		b.Run(test.name, func(b *testing.B) {
			buf := make([]byte, 64<<10)
			for b.Loop() {
				if err := test.reset(bytes.NewReader(packed)); err != nil {
					b.Fatal(err)
				}
				size := 0
				for {
					n, err := test.r.Read(buf)
					size += n
					if err == io.EOF {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
				}
				b.SetBytes(int64(size))
			}
		})
	}
}
