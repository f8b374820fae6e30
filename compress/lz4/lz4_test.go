package lz4

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/pierrec/lz4/v4"

	"github.com/mkinitfs/mkinitfs/internal/decodertest"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// packed is data as the library packs it, in the legacy format.
func packed(t testing.TB, data []byte, level lz4.CompressionLevel) []byte {
	t.Helper()
	var b bytes.Buffer
	w := lz4.NewWriter(&b)
	if err := w.Apply(lz4.LegacyOption(true), lz4.CompressionLevelOption(level)); err != nil {
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

func samples() map[string][]byte {
	random, text := decodertest.Noise(300<<10), decodertest.Text(decodertest.Rand(), 400<<10)
	return map[string][]byte{
		"one byte":    {'x'},
		"run":         make([]byte, 1<<20),
		"random":      random,
		"text":        text,
		"periods":     decodertest.Periods(decodertest.Rand(), 250_000),
		"both":        append(append(text[:len(text):len(text)], random...), text...),
		"many blocks": bytes.Repeat(random, 70), // 20 MiB
	}
}

func TestReadSizes(t *testing.T) {
	data := decodertest.Text(decodertest.Rand(), 100_000)
	decodertest.ReadSizes(t, new(Decoder), packed(t, data, lz4.Fast), data)
}

func TestSourceError(t *testing.T) {
	data := packed(t, decodertest.Text(decodertest.Rand(), 10_000), lz4.Fast)
	decodertest.SourceError(t, new(Decoder), data, 0, 3, 4, 7, 100, len(data)-1)
}

func TestDecode(t *testing.T) {
	testenv.Sequential(t)
	var d Decoder
	for name, want := range samples() {
		for _, level := range []lz4.CompressionLevel{lz4.Fast, lz4.Level9} {
			data := packed(t, want, level)
			for _, r := range []io.Reader{bytes.NewReader(data), iotest.HalfReader(bytes.NewReader(data)), iotest.DataErrReader(bytes.NewReader(data))} {
				d.Reset(r)
				got, err := io.ReadAll(&d)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s, level %v: got %d bytes and error %v, want %d", name, level, len(got), err, len(want))
				}
			}
		}
	}
	twice := append(packed(t, []byte("a"), lz4.Fast), packed(t, []byte("b"), lz4.Fast)...)
	d.Reset(bytes.NewReader(twice))
	if got, err := io.ReadAll(&d); err != nil || string(got) != "ab" {
		t.Errorf("two streams: got %q and error %v, want ab", got, err)
	}
}

func TestDamage(t *testing.T) {
	var d Decoder
	data := packed(t, []byte(strings.Repeat("abcdefgh", 100)), lz4.Fast)
	for n := range data {
		d.Reset(bytes.NewReader(data[:n]))
		if _, err := io.ReadAll(&d); err == nil && n != 4 { // a magic alone is an empty stream
			t.Errorf("cut at %d of %d: got no error", n, len(data))
		}
	}
	for _, test := range []struct {
		data string
		want error
	}{
		{"\x04\x22\x4d\x18", errMagic},
		{"\x02\x21\x4c\x18\xff\xff\xff\xff", errCorrupt},
		{"\x02\x21\x4c\x18\x01\x00\x00\x00\xf0", errCorrupt},               // a length that does not end
		{"\x02\x21\x4c\x18\x01\x00\x00\x00\x20", errCorrupt},               // literals that are missing
		{"\x02\x21\x4c\x18\x04\x00\x00\x00\x10a\x02\x00", errCorrupt},      // an offset before the beginning
		{"\x02\x21\x4c\x18\x04\x00\x00\x00\x10a\x00\x00", errCorrupt},      // no offset
		{"\x02\x21\x4c\x18\x03\x00\x00\x00\x10a\x01", errCorrupt},          // half an offset
		{"\x02\x21\x4c\x18\x05\x00\x00\x00\x1fa\x01\x00\xff", errCorrupt},  // a match length that does not end
		{"\x02\x21\x4c\x18\x05\x00\x00\x00\x10a\x01", io.ErrUnexpectedEOF}, // a block that does
		{"\x02\x21\x4c\x18\x05\x00", io.ErrUnexpectedEOF},                  // half a size
		{"\x02\x21", io.ErrUnexpectedEOF},                                  // half a magic
		{"", io.ErrUnexpectedEOF},                                          // nothing
	} {
		d.Reset(strings.NewReader(test.data))
		if _, err := io.ReadAll(&d); !errors.Is(err, test.want) {
			t.Errorf("%q: got error %v, want %v", test.data, err, test.want)
		}
	}
}

// TestFlippedBits damages a stream, which has no check: it decodes to something else,
// or is an error.
func TestFlippedBits(t *testing.T) {
	testenv.Sequential(t)
	var d Decoder
	rnd := rand.New(rand.NewPCG(1, 2))
	want := samples()["both"]
	data := packed(t, want, lz4.Level9)
	refused := 0
	for range 2000 {
		i := rnd.IntN(8 * len(data))
		data[i/8] ^= 1 << (i % 8)
		d.Reset(bytes.NewReader(data))
		n, err := io.Copy(io.Discard, &d)
		switch {
		case n > maxBlock:
			t.Errorf("bit %d: got %d bytes of a block, want %d at most", i, n, maxBlock)
		case err != nil && !errors.Is(err, errCorrupt) && !errors.Is(err, errMagic) && !errors.Is(err, io.ErrUnexpectedEOF):
			t.Errorf("bit %d: got error %v", i, err)
		case err != nil:
			refused++
		}
		data[i/8] ^= 1 << (i % 8)
	}
	if refused == 0 {
		t.Error("got no error at all")
	}
}

// FuzzDecode holds the decoder against the library's: it never panics, and decodes
// what that decodes.
func FuzzDecode(f *testing.F) {
	for _, data := range samples() {
		f.Add(packed(f, data[:min(len(data), 4<<10)], lz4.Fast)[8:])
	}
	f.Fuzz(func(t *testing.T, block []byte) {
		want := make([]byte, 1<<20)
		n, libErr := lz4.UncompressBlock(block, want)
		n32 := len(block)
		var d Decoder
		d.Reset(io.MultiReader(bytes.NewReader([]byte{2, 0x21, 0x4c, 0x18, byte(n32), byte(n32 >> 8), byte(n32 >> 16), byte(n32 >> 24)}), bytes.NewReader(block)))
		got, err := io.ReadAll(&d)
		if libErr == nil && n > 0 && (err != nil || !bytes.Equal(got, want[:n])) {
			t.Errorf("got %d bytes and error %v, the library %d", len(got), err, n)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	decodertest.Bench(b, "LZ4_BENCH_FILE", packed(b, samples()["both"], lz4.Level3),
		decodertest.Rival{Name: "ours", Decoder: new(Decoder)}, decodertest.Rival{Name: "pierrec", Decoder: library{lz4.NewReader(nil)}})
}

// library is the library's reader, with an error that Reset does not have.
type library struct{ *lz4.Reader }

func (l library) Reset(r io.Reader) error {
	l.Reader.Reset(r)
	return nil
}
