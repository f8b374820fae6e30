package zstd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	klauspost "github.com/klauspost/compress/zstd"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

func TestTool(t *testing.T) {
	testenv.Sequential(t)
	tool := testenv.Tool(t, "zstd")
	all := samples(t)
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
				t.Run(s.name, func(t *testing.T) {
					check(t, d, zstdTool(t, tool, s.data, test.file, strings.Fields(test.args)...), s.data)
				})
			}
		})
	}
}

// TestLargeWindow decodes what says that it has a window of 128 MiB.
func TestLargeWindow(t *testing.T) {
	data := text(newRand(), 300_000)
	check(t, NewDecoder(), zstdTool(t, testenv.Tool(t, "zstd"), data, false, "--ultra", "-22", "--long=27"), data)
}

func TestLibrary(t *testing.T) {
	testenv.Sequential(t)
	all := samples(t)
	d := NewDecoder()
	for _, level := range []klauspost.EncoderLevel{
		klauspost.SpeedFastest, klauspost.SpeedDefault, klauspost.SpeedBetterCompression, klauspost.SpeedBestCompression,
	} {
		for _, window := range []int{1 << 10, 8 << 20} {
			t.Run(fmt.Sprint(level, window), func(t *testing.T) {
				for _, s := range all {
					t.Run(s.name, func(t *testing.T) {
						check(t, d, encode(t, s.data, klauspost.WithEncoderLevel(level), klauspost.WithWindowSize(window)), s.data)
					})
				}
			})
		}
	}
}

func TestReadSizes(t *testing.T) {
	data := text(newRand(), 300_000)
	packed := encode(t, data)
	d := NewDecoder()
	for size := 1; size < 300_000; size = size*3 + 1 {
		d.Reset(iotest.OneByteReader(bytes.NewReader(packed)))
		var got []byte
		for buf := make([]byte, size); ; {
			n, err := d.Read(buf)
			got = append(got, buf[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got, data) {
			t.Errorf("reads of %d bytes: got %d bytes that differ from the %d wanted", size, len(got), len(data))
		}
	}
}

func TestFrames(t *testing.T) {
	a, b := []byte("first, first, first frame"), text(newRand(), 200_000)
	fa, fb := encode(t, a), encode(t, b)
	skip := append([]byte{0x5f, 0x2a, 0x4d, 0x18, 0, 3, 0, 0}, make([]byte, 768)...)
	d := NewDecoder()
	check(t, d, bytes.Join([][]byte{fa, fb, fa}, nil), bytes.Join([][]byte{a, b, a}, nil))
	check(t, d, bytes.Join([][]byte{skip, fb, skip, fa, skip}, nil), bytes.Join([][]byte{b, a}, nil))
	check(t, d, skip, nil)
	// A content of 3 bytes in a compressed block of 7.
	check(t, d, []byte("\x28\xb5\x2f\xfd\x20\x03\x3d\x00\x00\x3c\x00\x00abc\x00"), []byte("abc"))

	cut := bytes.Join([][]byte{fb, skip}, nil)
	if _, err := decode(d, cut[:len(cut)-1]); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut skippable frame: got error %v, want an unexpected end", err)
	}
}

func TestReset(t *testing.T) {
	data := text(newRand(), 100_000)
	packed := encode(t, data)
	var d Decoder
	if _, err := d.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("read before Reset: got error %v, want one that says so", err)
	}
	for range 2 { // drop a frame half way
		d.Reset(bytes.NewReader(packed))
		if n, err := io.ReadFull(&d, make([]byte, 10)); n != 10 || err != nil {
			t.Fatalf("got %d bytes, error %v, want 10 bytes", n, err)
		}
	}
	if _, err := decode(&d, packed[:50]); err == nil {
		t.Error("cut frame: got no error")
	}
	check(t, &d, packed, data)
	if err := d.Reset(nil); err != nil {
		t.Errorf("Reset(nil): got error %v", err)
	}
	if n, err := d.Read(make([]byte, 1)); n != 0 || err == nil || err == io.EOF {
		t.Errorf("read after Reset(nil): got %d bytes, error %v, want an error", n, err)
	}
}

func TestSourceError(t *testing.T) {
	want := errors.New("disk on fire")
	d := NewDecoder()
	packed := encode(t, text(newRand(), 10_000))
	for _, n := range []int{0, 3, 100} {
		d.Reset(io.MultiReader(bytes.NewReader(packed[:n]), iotest.ErrReader(want)))
		if _, err := io.ReadAll(d); err != want {
			t.Errorf("after %d bytes: got error %v, want %v", n, err, want)
		}
	}
}

// TestAllocations holds that a decoder in use allocates nothing, and no more than
// a frame can need.
func TestAllocations(t *testing.T) {
	data := text(newRand(), 400_000)
	small, large := encode(t, data[:50_000]), encode(t, data)
	d := NewDecoder()
	r := new(bytes.Reader)
	buf := make([]byte, 64<<10)
	got := testing.AllocsPerRun(5, func() {
		for _, packed := range [][]byte{large, small} {
			r.Reset(packed)
			d.Reset(r)
			for {
				if _, err := d.Read(buf); err == io.EOF {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	if got != 0 {
		t.Errorf("got %v allocations for two inputs, want 0", got)
	}

	// A window of 128 MiB, and 3 bytes of content.
	d = NewDecoder()
	check(t, d, []byte("\x28\xb5\x2f\xfd\x80\x88\x03\x00\x00\x00\x19\x00\x00abc"), []byte("abc"))
	if got, want := cap(d.window.buf), 4096; got > want {
		t.Errorf("got %d bytes for a content of 3, want at most %d", got, want)
	}
}
