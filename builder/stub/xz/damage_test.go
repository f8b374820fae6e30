package xz

import (
	"bytes"
	"hash/crc32"
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

func TestErrors(t *testing.T) {
	const (
		header = "\xfd7zXZ\x00\x00\x01\x69\x22\xde\x36"
		none   = "\xfd7zXZ\x00\x00\x00\xff\x12\xd9\x41"
		index  = "index or footer does not match the blocks"
	)
	// sealed is a block's header with its sum.
	sealed := func(b string) string {
		return b + string(put(nil, crc32.ChecksumIEEE([]byte(b))))
	}
	block := sealed("\x02\x00\x21\x01\x00\x00\x00\x00") // a dictionary of 4 KiB
	whole := string(encode(t, []byte("abc"), xz.WriterConfig{CheckSum: xz.CRC32}))
	var d Decoder
	for _, test := range []struct{ name, data, want string }{
		{"no data", "", "unexpected EOF"},
		{"gzip", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00", "xz: bad magic"},
		{"header", header[:11] + "\x00", "xz: corrupt stream header"},
		{"CRC64", "\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46", "xz: the check is not CRC32, which xz --check=crc32 makes"},
		{"block header", header + block[:11] + "\x00", "xz: corrupt block header"},
		{"two filters", header + sealed("\x02\x01\x04\x00\x21\x01\x00\x00"), "xz: a filter other than LZMA2"},
		{"filter", header + sealed("\x02\x00\x04\x01\x00\x00\x00\x00"), "xz: a filter other than LZMA2"},
		{"dictionary", header + sealed("\x02\x00\x21\x01\x1f\x00\x00\x00"), "xz: dictionary of more than 128 MiB"},
		{"dictionary code", header + sealed("\x02\x00\x21\x01\x29\x00\x00\x00"), "xz: corrupt block header"},
		{"header padding", header + sealed("\x02\x00\x21\x01\x00\x00\x00\x01"), "xz: corrupt block header"},
		{"long number", header + sealed("\x03\x40\x80\x80\x80\x80\x80\x80\x80\x80\x80\x21"), "xz: corrupt block header"},
		{"number with a zero", header + sealed("\x02\x40\x80\x00\x21\x01\x00\x00"), "xz: corrupt block header"},
		{"no reset of the dictionary", header + block + "\x02\x00\x00a", "xz: corrupt chunk header"},
		{"chunk of no kind", header + block + "\x01\x00\x00a\x03", "xz: corrupt chunk header"},
		{"no properties", header + block + "\x01\x00\x00a\x80\x00\x00\x00\x04", "xz: corrupt chunk header"},
		{"properties", header + block + "\xe0\x00\x00\x00\x04\x2c", "xz: corrupt chunk header"}, // lc 8, lp 4
		{"first byte of a chunk", header + block + "\xe0\x00\x00\x00\x04\x5d\x01\x00\x00\x00\x00", "xz: corrupt data"},
		{"short chunk", header + block + "\xe0\x00\x00\x00\x03\x5d\x00\x00\x00\x00", "xz: corrupt data"},
		{"match before the start", header + block + "\xe0\x00\x00\x00\x04\x5d\x00\xff\xff\xff\xff", "xz: corrupt data"},
		{"less than the header says", header + sealed("\x02\x80\x02\x21\x01\x00\x00\x00") + "\x01\x00\x00a\x00", "xz: block has another size than its header says"},
		{"more than the header says", header + sealed("\x02\x80\x02\x21\x01\x00\x00\x00") + "\x01\x00\x02abc", "xz: block has another size than its header says"},
		{"packed size", header + sealed("\x02\x40\x02\x21\x01\x00\x00\x00") + "\x01\x00\x00a\x00", "xz: block has another size than its header says"},
		{"padding", none + block + "\x01\x00\x00a\x00\x00\x00\x01", "xz: corrupt padding of a block"},
		{"sum", header + block + "\x01\x00\x00a\x00\x00\x00\x00abcd", "xz: checksum does not match"},
		{"index", none + block + "\x01\x00\x00a\x00\x00\x00\x00" + "\x00\x01\x12\x01" + whole, "xz: " + index},
		{"footer", whole[:len(whole)-2] + "ZY", "xz: " + index},
		{"what follows", whole + "\x00", "xz: data behind the end of the stream"},
		{"two streams", whole + whole, "xz: data behind the end of the stream"},
	} {
		if _, err := decode(&d, []byte(test.data)); err == nil || err.Error() != test.want {
			t.Errorf("%s: got error %v, want %s", test.name, err, test.want)
		}
	}
}
