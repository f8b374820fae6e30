package xz

import (
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/mkinitfs/mkinitfs/internal/decodertest"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// smallStreams are streams of all kinds of chunks, with a check and without.
func smallStreams(t testing.TB) []decodertest.Sample {
	var streams []decodertest.Sample
	for _, s := range append(decodertest.Small(), decodertest.Sample{Name: "empty"}) {
		streams = append(streams,
			decodertest.Sample{Name: s.Name, Data: encode(t, s.Data, xz.WriterConfig{CheckSum: xz.CRC32, DictCap: 1 << 12})},
			decodertest.Sample{Name: s.Name + " in blocks", Data: encode(t, s.Data, xz.WriterConfig{CheckSum: xz.CRC32, DictCap: 1 << 12, BlockSize: 501})})
	}
	return streams
}

func TestTruncated(t *testing.T) { decodertest.Truncated(t, new(Decoder), smallStreams(t), nil) }

// TestFlippedBits flips each bit. What is neither found nor checked changes nothing,
// such as properties that no symbol makes use of.
func TestFlippedBits(t *testing.T) {
	testenv.Sequential(t)
	decodertest.FlippedBits(t, new(Decoder), smallStreams(t), 0, nil)
}

// TestFlippedBitsUnchecked does the same without a check of the content; the
// library says what it decodes to.
func TestFlippedBitsUnchecked(t *testing.T) {
	testenv.Sequential(t)
	tool := testenv.Tool(t, "xz")
	var o oracle
	for _, args := range [][]string{{"-1"}, {"-9e", "--lzma2=dict=4KiB"}} {
		packed := decodertest.Tool(t, tool, decodertest.Text(decodertest.Rand(), 20_000), false, append(args, "--check=none")...)
		decodertest.FlipSome(t, packed, 800, o.compare)
	}
}
