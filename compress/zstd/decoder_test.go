package zstd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	klauspost "github.com/klauspost/compress/zstd"

	"github.com/mkinitfs/mkinitfs/internal/decodertest"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

func TestTool(t *testing.T) {
	testenv.Sequential(t)
	tool := testenv.Tool(t, "zstd")
	all := decodertest.Samples(t)
	d := NewDecoder()
	for _, test := range []struct {
		args string
		file bool
	}{
		{"-1", false}, {"-1", true}, {"-3", false}, {"-9", true}, {"-19", false},
		{"--fast=5", true}, {"--ultra -22 --long=27", true},
		{"-3 --no-check", false}, {"-5 --no-content-size", true}, {"-5 --no-compress-literals", true},
		{"-2 -T2 -B131072", true}, {"-6 --target-compressed-block-size=2000", true},
		{"-6 --zstd=wlog=10", false}, {"-19 --zstd=wlog=10", true}, {"-12 --zstd=wlog=14", false}, {"-16 --zstd=wlog=17,mml=3", false},
	} {
		t.Run(strings.ReplaceAll(test.args, " ", ""), func(t *testing.T) {
			for _, s := range all {
				t.Run(s.Name, func(t *testing.T) {
					decodertest.Check(t, d, decodertest.Tool(t, tool, s.Data, test.file, strings.Fields(test.args)...), s.Data)
				})
			}
		})
	}
}

// TestLargeWindow decodes what says that it has a window of 128 MiB.
func TestLargeWindow(t *testing.T) {
	data := decodertest.Text(decodertest.Rand(), 300_000)
	decodertest.Check(t, NewDecoder(), decodertest.Tool(t, testenv.Tool(t, "zstd"), data, false, "--ultra", "-22", "--long=27"), data)
}

func TestLibrary(t *testing.T) {
	testenv.Sequential(t)
	all := decodertest.Samples(t)
	d := NewDecoder()
	for _, level := range []klauspost.EncoderLevel{
		klauspost.SpeedFastest, klauspost.SpeedDefault, klauspost.SpeedBetterCompression, klauspost.SpeedBestCompression,
	} {
		for _, window := range []int{1 << 10, 8 << 20} {
			t.Run(fmt.Sprint(level, window), func(t *testing.T) {
				for _, s := range all {
					t.Run(s.Name, func(t *testing.T) {
						decodertest.Check(t, d, encode(t, s.Data, klauspost.WithEncoderLevel(level), klauspost.WithWindowSize(window)), s.Data)
					})
				}
			})
		}
	}
}

func TestReadSizes(t *testing.T) {
	data := decodertest.Text(decodertest.Rand(), 300_000)
	decodertest.ReadSizes(t, NewDecoder(), encode(t, data), data)
}

func TestFrames(t *testing.T) {
	a, b := []byte("first, first, first frame"), decodertest.Text(decodertest.Rand(), 200_000)
	fa, fb := encode(t, a), encode(t, b)
	skip := append([]byte{0x5f, 0x2a, 0x4d, 0x18, 0, 3, 0, 0}, make([]byte, 768)...)
	d := NewDecoder()
	decodertest.Check(t, d, bytes.Join([][]byte{fa, fb, fa}, nil), bytes.Join([][]byte{a, b, a}, nil))
	decodertest.Check(t, d, bytes.Join([][]byte{skip, fb, skip, fa, skip}, nil), bytes.Join([][]byte{b, a}, nil))
	decodertest.Check(t, d, skip, nil)
	// A content of 3 bytes in a compressed block of 7.
	decodertest.Check(t, d, []byte("\x28\xb5\x2f\xfd\x20\x03\x3d\x00\x00\x3c\x00\x00abc\x00"), []byte("abc"))

	cut := bytes.Join([][]byte{fb, skip}, nil)
	if _, err := decodertest.Decode(d, cut[:len(cut)-1]); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut skippable frame: got error %v, want an unexpected end", err)
	}
}

func TestReset(t *testing.T) {
	data := decodertest.Text(decodertest.Rand(), 100_000)
	decodertest.Reset(t, new(Decoder), encode(t, data), data)
}

func TestSourceError(t *testing.T) {
	decodertest.SourceError(t, NewDecoder(), encode(t, decodertest.Text(decodertest.Rand(), 10_000)), 0, 3, 100)
}

// TestAllocations holds that a decoder in use allocates nothing, and no more than
// a frame can need.
func TestAllocations(t *testing.T) {
	data := decodertest.Text(decodertest.Rand(), 400_000)
	small, large := encode(t, data[:50_000]), encode(t, data)
	d := NewDecoder()
	decodertest.NoAllocations(t, d, large, small)

	// A window of 128 MiB, and 3 bytes of content.
	d = NewDecoder()
	decodertest.Check(t, d, []byte("\x28\xb5\x2f\xfd\x80\x88\x03\x00\x00\x00\x19\x00\x00abc"), []byte("abc"))
	if got, want := cap(d.window.buf), 4096; got > want {
		t.Errorf("got %d bytes for a content of 3, want at most %d", got, want)
	}
}
