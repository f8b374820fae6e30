package xz

import (
	"bytes"
	"io"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// smallStreams are streams of all kinds of chunks, with a check and without.
func smallStreams(t testing.TB) []sample {
	var streams []sample
	for _, s := range []sample{
		{"empty", nil},
		{"raw", []byte("abc")},
		{"random", noise(100)},
		{"zeros", make([]byte, 3000)},
		{"text", text(newRand(), 1000)},
		{"periods", periods(newRand(), 700)},
	} {
		streams = append(streams,
			sample{s.name, encode(t, s.data, xz.WriterConfig{CheckSum: xz.CRC32, DictCap: 1 << 12})},
			sample{s.name + " in blocks", encode(t, s.data, xz.WriterConfig{CheckSum: xz.CRC32, DictCap: 1 << 12, BlockSize: 501})})
	}
	return streams
}

func TestTruncated(t *testing.T) {
	var d Decoder
	for _, s := range smallStreams(t) {
		for n := range s.data {
			if _, err := decode(&d, s.data[:n]); err != io.ErrUnexpectedEOF {
				t.Fatalf("%s, %d of %d bytes: got error %v, want %v", s.name, n, len(s.data), err, io.ErrUnexpectedEOF)
			}
		}
	}
}

// TestFlippedBits flips each bit. What is neither found nor checked changes nothing,
// such as properties that no symbol makes use of.
func TestFlippedBits(t *testing.T) {
	testenv.Sequential(t)
	var d Decoder
	for _, s := range smallStreams(t) {
		want, err := decode(&d, s.data)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 8 * len(s.data) {
			s.data[i/8] ^= 1 << (i % 8)
			if got, err := decode(&d, s.data); err == nil && !bytes.Equal(got, want) {
				t.Errorf("%s, bit %d: got other data and no error", s.name, i)
			}
			s.data[i/8] ^= 1 << (i % 8)
		}
	}
}

// TestFlippedBitsUnchecked does the same without a check of the content; the
// library says what it decodes to.
func TestFlippedBitsUnchecked(t *testing.T) {
	testenv.Sequential(t)
	tool := testenv.Tool(t, "xz")
	rnd := newRand()
	var o oracle
	for _, args := range [][]string{{"-1"}, {"-9e", "--lzma2=dict=4KiB"}} {
		packed := xzTool(t, tool, text(rnd, 20_000), append(args, "--check=none")...)
		for range 800 {
			i := rnd.IntN(8 * len(packed))
			packed[i/8] ^= 1 << (i % 8)
			o.compare(t, packed)
			packed[i/8] ^= 1 << (i % 8)
		}
	}
}
