package zstd

import (
	"os"
	"testing"

	klauspost "github.com/klauspost/compress/zstd"

	"github.com/mkinitfs/mkinitfs/internal/decodertest"
)

// BenchmarkDecode compares with the library, which has assembly, on a program and
// text.
func BenchmarkDecode(b *testing.B) {
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	data, err := os.ReadFile(exe)
	if err != nil {
		b.Fatal(err)
	}
	data = append(data, decodertest.Text(decodertest.Rand(), 4<<20)...)
	packed := encode(b, data, klauspost.WithEncoderLevel(klauspost.SpeedBestCompression))
	decodertest.Bench(b, "ZSTD_BENCH_FILE", packed,
		decodertest.Rival{Name: "ours", Decoder: NewDecoder()}, decodertest.Rival{Name: "library", Decoder: newOracle(b).theirs})
}
