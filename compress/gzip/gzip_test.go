package gzip

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	klauspost "github.com/klauspost/compress/gzip"

	"github.com/mkinitfs/mkinitfs/internal/decodertest"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// samples are the shared ones, and matches from everywhere in the window.
func samples(t testing.TB) []decodertest.Sample {
	rnd, random := decodertest.Rand(), decodertest.Noise(1000)
	var far []byte
	for len(far) < 400<<10 {
		far = append(far, random[len(far)%977:][:rnd.IntN(20)+1]...)
		if len(far) > history {
			from := len(far) - 1 - rnd.IntN(history)
			far = append(far, far[from:min(from+rnd.IntN(300)+1, len(far))]...)
		}
	}
	return append(decodertest.Samples(t), decodertest.Sample{Name: "far", Data: far})
}

// small are small streams of all kinds of blocks.
func small(t testing.TB) []decodertest.Sample {
	var streams []decodertest.Sample
	for _, s := range append(decodertest.Small(), decodertest.Sample{Name: "nothing"}) {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestCompression} {
			streams = append(streams, decodertest.Sample{Name: fmt.Sprint(s.Name, " ", level), Data: packed(t, s.Data, level)})
		}
	}
	return streams
}

// packed is data as a library packs it.
func packed(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
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

func decode(d *Decoder, r io.Reader) ([]byte, error) {
	d.Reset(r)
	return io.ReadAll(d)
}

func TestDecode(t *testing.T) {
	testenv.Sequential(t)
	d := new(Decoder)
	for _, s := range samples(t) {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, flate.BestCompression} {
			data := packed(t, s.Data, level)
			for name, r := range map[string]io.Reader{
				"whole": bytes.NewReader(data), "bytes": iotest.OneByteReader(bytes.NewReader(data)), "EOF with data": iotest.DataErrReader(bytes.NewReader(data)),
				"lent": bufio.NewReaderSize(bytes.NewReader(data), 16), "lent at once": bufio.NewReaderSize(bytes.NewReader(data), 1<<20),
			} {
				if got, err := decode(d, r); err != nil || !bytes.Equal(got, s.Data) {
					t.Errorf("%s, level %d, %s: got %d bytes, error %v, want %d", s.Name, level, name, len(got), err, len(s.Data))
				}
			}
		}
	}
}

// TestTool decodes what the system's gzip makes.
func TestTool(t *testing.T) {
	tool := testenv.Tool(t, "gzip")
	d := new(Decoder)
	for _, s := range samples(t) {
		for _, level := range []string{"-1", "-6", "-9"} {
			t.Run(s.Name+level, func(t *testing.T) {
				decodertest.Check(t, d, decodertest.Tool(t, tool, s.Data, false, level), s.Data)
			})
		}
	}
}

// TestStops leaves what follows a stream to whoever lent the input.
func TestStops(t *testing.T) {
	d := new(Decoder)
	for _, s := range samples(t) {
		data := packed(t, s.Data, flate.BestCompression)
		for _, next := range []string{"", "n", "next stream", strings.Repeat("next", 9999)} {
			r := bufio.NewReader(io.MultiReader(bytes.NewReader(data), strings.NewReader(next)))
			if got, err := decode(d, r); err != nil || !bytes.Equal(got, s.Data) {
				t.Errorf("%s: got %d bytes, error %v, want %d", s.Name, len(got), err, len(s.Data))
			}
			if rest, err := io.ReadAll(r); err != nil || string(rest) != next {
				t.Errorf("%s: got %.20q behind it, error %v, want %.20q", s.Name, rest, err, next)
			}
		}
	}
	if _, err := decode(d, bytes.NewReader(append(packed(t, nil, 1), 0))); err == nil || err.Error() != "gzip: data behind the end of the stream" {
		t.Errorf("got error %v for data behind the end", err)
	}
}

func TestHeader(t *testing.T) {
	d := new(Decoder)
	rest := string(packed(t, []byte("content"), 1)[10:])
	for _, test := range []struct{ head, want string }{
		{"\x1f\x8b\x08\x00\x01\x02\x03\x04\x05\x06", ""},
		{"\x1f\x8b\x08\x1f......\x03\x00abcname\x00comment\x00hc", ""},
		{"\x1f\x8b\x08\x02......hc", ""}, // which is not its sum
		{"\x1f\x8b\x08\x20......", "gzip: reserved bit of a header is set"},
		{"\x1f\x8b\x07\x00......", "gzip: bad magic"},
		{"\x1f\x8c\x08\x00......", "gzip: bad magic"},
	} {
		got, err := decode(d, strings.NewReader(test.head+rest))
		if test.want == "" && (err != nil || string(got) != "content") || test.want != "" && (err == nil || err.Error() != test.want) {
			t.Errorf("%q: got %q, error %v, want %q", test.head, got, err, test.want)
		}
	}
}

func TestTruncated(t *testing.T) {
	decodertest.Truncated(t, new(Decoder), small(t), nil)
}

func TestReadSizes(t *testing.T) {
	data := decodertest.Text(decodertest.Rand(), 100_000)
	decodertest.ReadSizes(t, new(Decoder), packed(t, data, 6), data)
}

func TestSourceError(t *testing.T) {
	d := new(Decoder)
	stream := packed(t, decodertest.Text(decodertest.Rand(), 10_000), 1)
	decodertest.SourceError(t, d, stream, 0, 3, 100, len(stream)-1)
	fault := errors.New("bad disk")
	whole := packed(t, []byte("content"), 1)
	if got, err := decode(d, bufio.NewReader(io.MultiReader(bytes.NewReader(whole), iotest.ErrReader(fault)))); err != nil || string(got) != "content" {
		t.Errorf("got %q, error %v for a fault behind a stream", got, err)
	}
}

// TestFlippedBits flips each bit behind the header: the checksum finds what nothing else
// finds.
func TestFlippedBits(t *testing.T) {
	decodertest.FlippedBits(t, new(Decoder), small(t), 10, nil)
}

// TestDamage flips bits in longer streams.
func TestDamage(t *testing.T) {
	testenv.Sequential(t)
	d := new(Decoder)
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, s := range samples(t) {
		data := packed(t, s.Data, flate.BestCompression)
		for range 200 {
			i := 80 + rnd.IntN(8*(len(data)-10))
			data[i/8] ^= 1 << (i % 8)
			d.Reset(bytes.NewReader(data))
			if n, err := io.Copy(io.Discard, d); err == nil && n != int64(len(s.Data)) {
				t.Errorf("%s, bit %d: got %d bytes and no error", s.Name, i, n)
			}
			data[i/8] ^= 1 << (i % 8)
		}
	}
}

func TestErrors(t *testing.T) {
	const header = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
	d := new(Decoder)
	for _, test := range []struct{ name, data, want string }{
		{"reserved block", "\x07", "gzip: corrupt block"},
		{"raw block", "\x01\x01\x00\xff\xff", "gzip: corrupt block"},
		{"match at the beginning", "\x03\x02\x00", "gzip: match before the beginning"},
		{"fixed literal 286", "\x1b\x03", "gzip: corrupt code"},
		{"too many literals", "\xf5\x00\x00", "gzip: corrupt code"},
		{"no code of lengths", "\x05\x00\x00\x00", "gzip: corrupt code"},
		{"checksum", "\x03\x00\x01\x00\x00\x00\x00\x00\x00\x00", "gzip: checksum does not match"},
		{"size", "\x03\x00\x00\x00\x00\x00\x01\x00\x00\x00", "gzip: size does not match"},
	} {
		_, err := decode(d, strings.NewReader(header+test.data+strings.Repeat("\x00", 40)))
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: got error %v, want %s", test.name, err, test.want)
		}
	}
}

// FuzzDecode holds the decoder against the standard library's.
func FuzzDecode(f *testing.F) {
	for _, s := range samples(f) {
		for _, level := range []int{flate.HuffmanOnly, flate.BestCompression} {
			f.Add(packed(f, s.Data[:min(len(s.Data), 2000)], level)[10:])
		}
	}
	d := new(Decoder)
	f.Fuzz(func(t *testing.T, data []byte) {
		want, wantErr := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data)), 16<<20))
		got, err := decode(d, io.LimitReader(io.MultiReader(strings.NewReader("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"), bytes.NewReader(data)), 1<<20))
		// Without the trailer that the library does not look at.
		damaged := err != nil && (strings.HasSuffix(err.Error(), "not match") || err == io.ErrUnexpectedEOF || strings.HasSuffix(err.Error(), "stream"))
		switch {
		case wantErr == nil && err != nil && !damaged:
			t.Errorf("got error %v, the library none", err)
		case wantErr == nil && len(want) < 16<<20 && !bytes.Equal(got, want):
			t.Errorf("got %d bytes, the library %d", len(got), len(want))
		case wantErr != nil && err == nil:
			t.Errorf("got no error, the library %v", wantErr)
		}
	})
}

// TestEmptyBlocks decodes a stream of nothing but blocks without content, with codes
// that they do not bring: these are not to be made for each of them.
func TestEmptyBlocks(t *testing.T) {
	const block = "0" + "10" + "0000000" // not the last, of fixed codes, at its end
	for _, n := range []int{0, 9, 100_000} {
		bits := strings.Repeat(block, n) + "1" + block[1:]
		bits += strings.Repeat("0", -len(bits)&7)
		stream := []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03")
		for ; bits != ""; bits = bits[8:] {
			var b byte
			for i, bit := range bits[:8] {
				b |= byte(bit-'0') << i
			}
			stream = append(stream, b)
		}
		stream = append(stream, make([]byte, 8)...)
		if got, err := decode(new(Decoder), bytes.NewReader(stream)); err != nil || len(got) > 0 {
			t.Errorf("%d blocks: got %d bytes, error %v", n, len(got), err)
		}
	}
}

// BenchmarkDecode compares with the libraries, on some of everything.
func BenchmarkDecode(b *testing.B) {
	var data []byte
	for _, s := range samples(b) {
		data = append(data, s.Data...)
	}
	decodertest.Bench(b, "GZIP_BENCH_FILE", packed(b, data, 6), decodertest.Rival{Name: "ours", Decoder: new(Decoder)},
		decodertest.Rival{Name: "klauspost", Decoder: new(klauspost.Reader)}, decodertest.Rival{Name: "std", Decoder: new(gzip.Reader)})
}
