package gzip

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"

	klauspost "github.com/klauspost/compress/gzip"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

type sample struct {
	name string
	data []byte
}

// samples have all kinds of blocks, codes of all lengths, and matches of all kinds.
func samples() []sample {
	rnd := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, 200<<10)
	for i := range random {
		random[i] = byte(rnd.Uint32())
	}
	var skewed []byte // so that codes are long
	for i := range 300 << 10 {
		skewed = append(skewed, byte(rnd.ExpFloat64()*float64(1+i>>15)*7))
	}
	var far []byte // matches from everywhere
	for len(far) < 400<<10 {
		far = append(far, random[len(far)%977:][:rnd.IntN(20)+1]...)
		if len(far) > history {
			from := len(far) - 1 - rnd.IntN(history)
			far = append(far, far[from:min(from+rnd.IntN(300)+1, len(far))]...)
		}
	}
	var periods []byte
	for period := 1; period <= 40; period++ {
		for n := 1; n < 300; n += 7 {
			periods = append(append(periods, random[n:n+period]...), 0xff)
			for range n {
				periods = append(periods, periods[len(periods)-period])
			}
		}
	}
	return []sample{
		{"nothing", nil},
		{"one byte", []byte("x")},
		{"run", make([]byte, 1<<20)},
		{"random", random},
		{"text", []byte(strings.Repeat("all work and no play makes jack a dull boy\n", 9000))},
		{"skewed", skewed},
		{"far", far},
		{"periods", periods},
		{"all", bytes.Join([][]byte{skewed, random, far, make([]byte, 99_999), periods, random}, nil)},
	}
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
	for _, s := range samples() {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, flate.BestCompression} {
			data := packed(t, s.data, level)
			for name, r := range map[string]io.Reader{
				"whole": bytes.NewReader(data), "bytes": iotest.OneByteReader(bytes.NewReader(data)), "EOF with data": iotest.DataErrReader(bytes.NewReader(data)),
				"lent": bufio.NewReaderSize(bytes.NewReader(data), 16), "lent at once": bufio.NewReaderSize(bytes.NewReader(data), 1<<20),
			} {
				if got, err := decode(d, r); err != nil || !bytes.Equal(got, s.data) {
					t.Errorf("%s, level %d, %s: got %d bytes, error %v, want %d", s.name, level, name, len(got), err, len(s.data))
				}
			}
		}
	}
}

// TestTool decodes what the system's gzip makes.
func TestTool(t *testing.T) {
	tool := testenv.Tool(t, "gzip")
	d := new(Decoder)
	for _, s := range samples() {
		for _, level := range []string{"-1", "-6", "-9"} {
			cmd := exec.Command(tool, "-c", level)
			cmd.Stdin = bytes.NewReader(s.data)
			data, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			if got, err := decode(d, bytes.NewReader(data)); err != nil || !bytes.Equal(got, s.data) {
				t.Errorf("%s, gzip %s: got %d bytes, error %v, want %d", s.name, level, len(got), err, len(s.data))
			}
		}
	}
}

// TestStops leaves what follows a stream to whoever lent the input.
func TestStops(t *testing.T) {
	d := new(Decoder)
	for _, s := range samples() {
		data := packed(t, s.data, flate.BestCompression)
		for _, next := range []string{"", "n", "next stream", strings.Repeat("next", 9999)} {
			r := bufio.NewReader(io.MultiReader(bytes.NewReader(data), strings.NewReader(next)))
			if got, err := decode(d, r); err != nil || !bytes.Equal(got, s.data) {
				t.Errorf("%s: got %d bytes, error %v, want %d", s.name, len(got), err, len(s.data))
			}
			if rest, err := io.ReadAll(r); err != nil || string(rest) != next {
				t.Errorf("%s: got %.20q behind it, error %v, want %.20q", s.name, rest, err, next)
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
	d := new(Decoder)
	for _, s := range samples() {
		want := s.data[:min(len(s.data), 3000)]
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestCompression} {
			data := packed(t, want, level)
			for n := range data {
				got, err := decode(d, bytes.NewReader(data[:n]))
				if err != io.ErrUnexpectedEOF || !bytes.HasPrefix(want, got) {
					t.Fatalf("%s, %d of %d bytes: got %d bytes, error %v, want what is there and %v", s.name, n, len(data), len(got), err, io.ErrUnexpectedEOF)
				}
			}
		}
	}
	fault := errors.New("bad disk")
	whole := packed(t, []byte("content"), 1)
	if got, err := decode(d, bufio.NewReader(io.MultiReader(bytes.NewReader(whole), iotest.ErrReader(fault)))); err != nil || string(got) != "content" {
		t.Errorf("got %q, error %v for a fault behind a stream", got, err)
	}
	if _, err := decode(d, io.MultiReader(bytes.NewReader(packed(t, samples()[3].data, 1)[:9999]), iotest.ErrReader(fault))); err != fault {
		t.Errorf("got error %v, want %v", err, fault)
	}
}

// TestFlippedBits flips each bit behind the header: the checksum finds what nothing else
// finds.
func TestFlippedBits(t *testing.T) {
	d := new(Decoder)
	for _, s := range samples() {
		want := s.data[:min(len(s.data), 700)]
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestCompression} {
			data := packed(t, want, level)
			for i := 80; i < 8*len(data); i++ {
				data[i/8] ^= 1 << (i % 8)
				if got, err := decode(d, bytes.NewReader(data)); err == nil && !bytes.Equal(got, want) {
					t.Errorf("%s, bit %d: got other data and no error", s.name, i)
				}
				data[i/8] ^= 1 << (i % 8)
			}
		}
	}
}

// TestDamage flips bits in longer streams.
func TestDamage(t *testing.T) {
	testenv.Sequential(t)
	d := new(Decoder)
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, s := range samples() {
		data := packed(t, s.data, flate.BestCompression)
		for range 200 {
			i := 80 + rnd.IntN(8*(len(data)-10))
			data[i/8] ^= 1 << (i % 8)
			d.Reset(bytes.NewReader(data))
			if n, err := io.Copy(io.Discard, d); err == nil && n != int64(len(s.data)) {
				t.Errorf("%s, bit %d: got %d bytes and no error", s.name, i, n)
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
	for _, s := range samples() {
		for _, level := range []int{flate.HuffmanOnly, flate.BestCompression} {
			f.Add(packed(f, s.data[:min(len(s.data), 2000)], level)[10:])
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

// BenchmarkDecode compares with the libraries, on some of everything, or on the file
// that GZIP_BENCH_FILE names.
func BenchmarkDecode(b *testing.B) {
	data := packed(b, samples()[8].data, 6)
	if name := os.Getenv("GZIP_BENCH_FILE"); name != "" {
		var err error
		if data, err = os.ReadFile(name); err != nil {
			b.Fatal(err)
		}
	}
	ours, theirs, std := new(Decoder), new(klauspost.Reader), new(gzip.Reader)
	for _, test := range []struct {
		name string
		d    interface {
			io.Reader
			Reset(io.Reader) error
		}
	}{{"ours", ours}, {"klauspost", theirs}, {"std", std}} {
		b.Run(test.name, func(b *testing.B) {
			buf := make([]byte, 64<<10)
			for b.Loop() {
				if err := test.d.Reset(bufio.NewReaderSize(bytes.NewReader(data), 64<<10)); err != nil {
					b.Fatal(err)
				}
				size, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, test.d, buf)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(size)
			}
		})
	}
}
