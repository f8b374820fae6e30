package zstd

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	klauspost "github.com/klauspost/compress/zstd"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

func newRand() *rand.Rand { return rand.New(rand.NewPCG(3, 4)) }

// smallFrames are frames of all kinds of blocks.
func smallFrames(t testing.TB, options ...klauspost.EOption) []sample {
	rnd := newRand()
	var frames []sample
	for _, s := range []sample{
		{"raw", []byte("abc")},
		{"rle", make([]byte, 5000)},
		{"text", text(rnd, 3000)},
		{"periods", periods(rnd, 2000)},
		{"nibbles", nibbles(rnd, 1500)},
	} {
		fast := append(options, klauspost.WithEncoderLevel(klauspost.SpeedFastest))
		frames = append(frames, sample{s.name + " fast", encode(t, s.data, fast...)})
		best := append(options, klauspost.WithEncoderLevel(klauspost.SpeedBestCompression), klauspost.WithWindowSize(1<<10))
		frames = append(frames, sample{s.name + " best", encode(t, s.data, best...)})
	}
	return frames
}

func TestTruncated(t *testing.T) {
	d := NewDecoder()
	for _, f := range smallFrames(t) {
		for n := range f.data {
			_, err := decode(d, f.data[:n])
			var fault *Error
			if !errors.As(err, &fault) || !errors.Is(err, io.ErrUnexpectedEOF) || fault.Offset != int64(n) {
				t.Fatalf("%s, %d of %d bytes: got error %v, want an unexpected end there", f.name, n, len(f.data), err)
			}
		}
	}
}

// TestFlippedBits flips each bit: the checksum finds what nothing else finds.
func TestFlippedBits(t *testing.T) {
	testenv.Sequential(t)
	d := NewDecoder()
	for _, f := range smallFrames(t) {
		want, err := decode(d, f.data)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 8 * len(f.data) {
			f.data[i/8] ^= 1 << (i % 8)
			got, err := decode(d, f.data)
			var fault *Error
			switch {
			case err == nil && !bytes.Equal(got, want):
				t.Errorf("%s, bit %d: got other data and no error", f.name, i)
			case err != nil && (!errors.As(err, &fault) || fault.Offset < 0 || fault.Offset > int64(len(f.data))):
				t.Errorf("%s, bit %d: got error %v, want one with an offset in the data", f.name, i, err)
			}
			f.data[i/8] ^= 1 << (i % 8)
		}
	}
}

// TestFlippedBitsUnchecked does the same without a checksum, in larger frames; the
// library says what they decode to.
func TestFlippedBitsUnchecked(t *testing.T) {
	testenv.Sequential(t)
	tool := testenv.Tool(t, "zstd")
	rnd := newRand()
	o := newOracle(t)
	for _, args := range [][]string{{"-1", "--no-check"}, {"-19", "--no-check", "--zstd=wlog=11"}} {
		packed := zstdTool(t, tool, text(rnd, 20_000), false, args...)
		for range 800 {
			i := rnd.IntN(8 * len(packed))
			packed[i/8] ^= 1 << (i % 8)
			o.compare(t, packed)
			packed[i/8] ^= 1 << (i % 8)
		}
	}
}

func TestErrors(t *testing.T) {
	const magic = "\x28\xb5\x2f\xfd"
	d := NewDecoder()
	for _, test := range []struct{ name, data, want string }{
		{"no data", "", "zstd: offset 0: unexpected end of data"},
		{"gzip", "\x1f\x8b\x08\x00", "zstd: offset 0: bad magic"},
		{"padding", magic + "\x20\x00\x01\x00\x00\x00\x00\x00\x00", "zstd: offset 9: bad magic"},
		{"reserved bit", magic + "\x08\x00", "zstd: offset 4: reserved bit of a frame header is set"},
		{"dictionary", magic + "\x21\x05\x00", "zstd: offset 5: frame needs a dictionary"},
		{"window", magic + "\x00\x89", "zstd: offset 5: window of 150994944 bytes is larger than 128 MiB"},
		{"window of a single segment", magic + "\xa0\x01\x00\x00\x08", "zstd: offset 5: window of 134217729 bytes is larger than 128 MiB"},
		{"window of 3.75 TiB", magic + "\x00\xff", "zstd: offset 5: window of 4123168604160 bytes is larger than 128 MiB"},
		{"content size", magic + "\xe0\xff\xff\xff\xff\xff\xff\xff\xff", "zstd: offset 5: window of 18446744073709551615 bytes is larger than 128 MiB"},
		{"reserved block", magic + "\x00\x00\x07\x00\x00", "zstd: offset 6: reserved block type"},
		{"large block", magic + "\x00\x00\x09\x20\x00", "zstd: offset 6: block is too large"},
		{"more than the header says", magic + "\x20\x02\x19\x00\x00abc", "zstd: offset 6: block is too large"},
		{"more by a run", magic + "\x20\x02\x1b\x00\x00a", "zstd: offset 6: block is too large"},
		{"less than the header says", magic + "\x20\x04\x19\x00\x00abc", "zstd: offset 9: frame holds less than its header says"},
		{"checksum", magic + "\x24\x03\x19\x00\x00abc\x98\x99\x70\xad", "zstd: offset 12: checksum does not match"},
		{"empty compressed block", magic + "\x00\x00\x05\x00\x00", "zstd: offset 9: corrupt literals"},
		{"literals too long", magic + "\x00\x00\x15\x00\x00\xf8\x00", "zstd: offset 10: corrupt literals"},
		{"no sequences section", magic + "\x00\x00\x15\x00\x00\x08a", "zstd: offset 11: corrupt sequences"},
		{"no Huffman table", magic + "\x00\x00\x25\x00\x00\x13\x00\x00\x00", "zstd: offset 12: literals without a Huffman table"},
		{"Huffman table", magic + "\x00\x00\x2d\x00\x00\x12\x40\x00\x00\x00", "zstd: offset 12: corrupt Huffman table"},
		{"no table to repeat", magic + "\x00\x00\x2d\x00\x00\x08a\x01\xfc\x01", "zstd: offset 11: corrupt table of sequences"},
		{"offset before the start", magic + "\x00\x00\x45\x00\x00\x08a\x01\x54\x01\x08\x01\x80", "zstd: offset 16: sequence out of range"},
		{"largest offset", magic + "\x00\x00\x5d\x00\x00\x08a\x01\x54\x01\x1e\x01\xff\xff\xff\xff", "zstd: offset 16: sequence out of range"},
		{"offset of 2 GiB", magic + "\x00\x00\x5d\x00\x00\x08a\x01\x54\x01\x1f\x01\x03\x00\x00\xc0", "zstd: offset 11: corrupt table of sequences"},
	} {
		_, err := decode(d, []byte(test.data))
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: got error %v, want %s", test.name, err, test.want)
		}
	}
}
