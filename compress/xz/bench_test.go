package xz

import (
	"io"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/mkinitfs/mkinitfs/internal/decodertest"
)

// library is the library's reader, which cannot be reset.
type library struct{ io.Reader }

func (l *library) Reset(r io.Reader) (err error) {
	l.Reader, err = xz.NewReader(r)
	return err
}

// BenchmarkDecode compares with the library, on some of everything.
func BenchmarkDecode(b *testing.B) {
	data := decodertest.Text(decodertest.Rand(), 2<<20)
	for _, s := range decodertest.Samples(b) {
		data = append(data, s.Data...)
	}
	packed := encode(b, data, xz.WriterConfig{CheckSum: xz.CRC32})
	decodertest.Bench(b, "XZ_BENCH_FILE", packed, decodertest.Rival{Name: "ours", Decoder: new(Decoder)}, decodertest.Rival{Name: "library", Decoder: new(library)})
}
