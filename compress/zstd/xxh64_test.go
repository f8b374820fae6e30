package zstd

import (
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/decodertest"
)

func TestXXH64(t *testing.T) {
	for _, test := range []struct {
		data string
		want uint64
	}{
		{"", 0xef46db3751d8e999},
		{"a", 0xd24ec4f1a98c6e5b},
		{"abc", 0x44bc2cf5ad770999},
	} {
		var x xxh64
		x.reset()
		x.write([]byte(test.data))
		if got := x.sum(); got != test.want {
			t.Errorf("%q: got %#x, want %#x", test.data, got, test.want)
		}
	}
}

// TestXXH64Pieces cuts data anywhere: the sum is that of the whole.
func TestXXH64Pieces(t *testing.T) {
	data := decodertest.Text(decodertest.Rand(), 200)
	for n := range data {
		var whole, pieces xxh64
		whole.reset()
		whole.write(data[:n])
		for i := range n + 1 {
			pieces.reset()
			pieces.write(data[:i])
			pieces.write(data[i : i+(n-i)/2])
			pieces.write(data[i+(n-i)/2 : n])
			if got, want := pieces.sum(), whole.sum(); got != want {
				t.Fatalf("%d bytes cut at %d: got %#x, want %#x", n, i, got, want)
			}
		}
	}
}
