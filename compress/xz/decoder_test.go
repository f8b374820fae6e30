package xz

import (
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/mkinitfs/mkinitfs/internal/decodertest"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

func TestTool(t *testing.T) {
	testenv.Sequential(t)
	tool := testenv.Tool(t, "xz")
	all := decodertest.Samples(t)
	var d Decoder
	for _, args := range []string{
		"-0", "-6", "-9e", "-2 --check=none",
		"-0 --lzma2=dict=4KiB", "-6 --lzma2=dict=6KiB,nice=273", "-4 --lzma2=dict=96KiB",
		"-2 --lzma2=lc=0,lp=4,pb=4", "-2 --lzma2=lc=4,lp=0,pb=0", "-2 --lzma2=lc=1,lp=3,pb=1",
		"-1 --block-size=4096 --check=none", "-1 -T1 --block-size=10000", "-1 -T2 --block-size=100001", // with sizes in the headers
	} {
		t.Run(strings.ReplaceAll(args, " ", ""), func(t *testing.T) {
			for _, s := range all {
				t.Run(s.Name, func(t *testing.T) {
					decodertest.Check(t, &d, decodertest.Tool(t, tool, s.Data, false, append([]string{"--check=crc32"}, strings.Fields(args)...)...), s.Data)
				})
			}
		})
	}
}

func TestLibrary(t *testing.T) {
	testenv.Sequential(t)
	var d Decoder
	for _, s := range decodertest.Samples(t) {
		t.Run(s.Name, func(t *testing.T) {
			for _, c := range []xz.WriterConfig{
				{CheckSum: xz.CRC32},
				{CheckSum: xz.CRC32, DictCap: 1 << 16}, // with less it cannot write raw chunks
				{CheckSum: xz.CRC32, DictCap: 1 << 16, BlockSize: 33_333},
				{NoCheckSum: true, DictCap: 1 << 20},
			} {
				decodertest.Check(t, &d, encode(t, s.Data, c), s.Data)
			}
		})
	}
}

func TestReadSizes(t *testing.T) {
	data := decodertest.Text(decodertest.Rand(), 200_000)
	decodertest.ReadSizes(t, new(Decoder), encode(t, data, xz.WriterConfig{CheckSum: xz.CRC32}), data)
}

func TestReset(t *testing.T) {
	data := decodertest.Text(decodertest.Rand(), 100_000)
	decodertest.Reset(t, new(Decoder), encode(t, data, xz.WriterConfig{CheckSum: xz.CRC32}), data)
}

func TestSourceError(t *testing.T) {
	packed := encode(t, decodertest.Text(decodertest.Rand(), 10_000), xz.WriterConfig{CheckSum: xz.CRC32})
	decodertest.SourceError(t, new(Decoder), packed, 0, 3, 20, 100, len(packed)-5, len(packed))
}

// TestAllocations holds that a decoder in use allocates nothing, and that its
// window is no larger than a block that tells its size.
func TestAllocations(t *testing.T) {
	testenv.Sequential(t)
	data := decodertest.Text(decodertest.Rand(), 400_000)
	small := encode(t, data[:50_000], xz.WriterConfig{CheckSum: xz.CRC32, DictCap: 1 << 16})
	large := encode(t, data, xz.WriterConfig{CheckSum: xz.CRC32, DictCap: 1 << 20, BlockSize: 100_000})
	var d Decoder
	decodertest.NoAllocations(t, &d, large, small)
	if got, want := cap(d.window.buf), 1<<20+2*margin; got != want {
		t.Errorf("got a window of %d bytes for a dictionary of 1 MiB, want %d", got, want)
	}

	d = Decoder{}
	decodertest.Check(t, &d, decodertest.Tool(t, testenv.Tool(t, "xz"), data, false, "-6", "--check=crc32", "-T2", "--block-size=100000"), data)
	if got, want := cap(d.window.buf), 100_000+margin; got != want {
		t.Errorf("got a window of %d bytes for blocks of 100000, want %d", got, want)
	}
}
