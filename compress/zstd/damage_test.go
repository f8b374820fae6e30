package zstd

import (
	"errors"
	"testing"

	klauspost "github.com/klauspost/compress/zstd"

	"github.com/mkinitfs/mkinitfs/internal/decodertest"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// smallFrames are frames of all kinds of blocks.
func smallFrames(t testing.TB, options ...klauspost.EOption) []decodertest.Sample {
	var frames []decodertest.Sample
	for _, s := range decodertest.Small() {
		fast := append(options, klauspost.WithEncoderLevel(klauspost.SpeedFastest))
		frames = append(frames, decodertest.Sample{Name: s.Name + " fast", Data: encode(t, s.Data, fast...)})
		best := append(options, klauspost.WithEncoderLevel(klauspost.SpeedBestCompression), klauspost.WithWindowSize(1<<10))
		frames = append(frames, decodertest.Sample{Name: s.Name + " best", Data: encode(t, s.Data, best...)})
	}
	return frames
}

// TestTruncated wants the error where the data end.
func TestTruncated(t *testing.T) {
	decodertest.Truncated(t, NewDecoder(), smallFrames(t), func(err error, n int) bool {
		var fault *Error
		return errors.As(err, &fault) && fault.Offset == int64(n)
	})
}

// TestFlippedBits flips each bit: the checksum finds what nothing else finds, and errors
// lie in the data.
func TestFlippedBits(t *testing.T) {
	testenv.Sequential(t)
	decodertest.FlippedBits(t, NewDecoder(), smallFrames(t), 0, func(err error, n int) bool {
		var fault *Error
		return errors.As(err, &fault) && fault.Offset >= 0 && fault.Offset <= int64(n)
	})
}

// TestFlippedBitsUnchecked does the same without a checksum, in larger frames; the
// library says what they decode to.
func TestFlippedBitsUnchecked(t *testing.T) {
	testenv.Sequential(t)
	tool := testenv.Tool(t, "zstd")
	o := newOracle(t)
	for _, args := range [][]string{{"-1", "--no-check"}, {"-19", "--no-check", "--zstd=wlog=11"}} {
		decodertest.FlipSome(t, decodertest.Tool(t, tool, decodertest.Text(decodertest.Rand(), 20_000), false, args...), 800, o.compare)
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
		_, err := decodertest.Decode(d, []byte(test.data))
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: got error %v, want %s", test.name, err, test.want)
		}
	}
}
