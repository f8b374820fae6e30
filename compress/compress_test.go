package compress

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// packed returns the codecs that are written and have a format of their own.
func packed() []*Codec {
	return slices.DeleteFunc(slices.Clone(codecs), func(c *Codec) bool { return c == &noneCodec || c.writer == nil })
}

// random returns n bytes that no codec can make smaller.
func random(n int) []byte {
	b := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{1})
	rng.Read(b)
	return b
}

// mixed returns n bytes that are like a root: words, zeros and noise.
func mixed(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	noise := random(1 << 16)
	var b []byte
	for len(b) < n {
		switch rng.IntN(4) {
		case 0:
			b = append(b, make([]byte, rng.IntN(1<<16))...)
		case 1:
			b = append(b, noise[:rng.IntN(len(noise))]...)
		default:
			for range rng.IntN(4096) {
				b = fmt.Appendf(b, "%d lib%d.so ", rng.IntN(100), rng.IntN(30))
			}
		}
	}
	return b[:n]
}

func encode(t testing.TB, c *Codec, data []byte, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := c.NewWriter(&b, o)
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

func decode(c *Codec, r *bufio.Reader) ([]byte, error) {
	d, err := c.NewReader(r)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return io.ReadAll(d)
}

func decodeBytes(c *Codec, b []byte) ([]byte, error) {
	return decode(c, bufio.NewReader(bytes.NewReader(b)))
}

func TestRoundTrip(t *testing.T) {
	for name, data := range map[string][]byte{
		"empty":  nil,
		"byte":   {'x'},
		"random": random(64 << 10),
		"mixed":  mixed(20 << 20),
	} {
		for _, c := range append(packed(), &noneCodec) {
			t.Run(name+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				data := data
				if c == &xzCodec {
					data = data[:min(len(data), 9<<20)] // packing is slow
				}
				testRoundTrip(t, c, data, Options{Size: int64(len(data)), Small: true, Level: min(1, c.MaxLevel)})
				if len(data) < 1<<20 {
					testRoundTrip(t, c, data, Options{})
				}
			})
		}
	}
}

// A block that lz4 makes longer, as its legacy format cannot store it raw.
func TestLZ4Incompressible(t *testing.T) {
	testRoundTrip(t, &lz4Codec, random(lz4Block+1), Options{Level: 1})
}

func testRoundTrip(t *testing.T, c *Codec, data []byte, o Options) {
	t.Helper()
	z := encode(t, c, data, o)
	if d := Detect(z[:min(6, len(z))]); d != c && c != &noneCodec {
		t.Errorf("Detect: got %v, want %s", d, c.Name)
	}
	got, err := decodeBytes(c, z)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, data) {
		t.Errorf("got %d bytes that differ, want %d", len(got), len(data))
	}
}

// A reader stops where its stream stops, whatever follows.
func TestConsecutive(t *testing.T) {
	const junk = "\xff\xffjunk"
	a, b := mixed(100_000), []byte("second")
	for _, c := range packed() {
		t.Run(c.Name, func(t *testing.T) {
			var image []byte
			for _, data := range [][]byte{a, b, nil} {
				image = append(image, encode(t, c, data, Options{})...)
				image = append(image, make([]byte, c.Pad(int64(len(image)), nil))...)
			}
			image = append(image, junk...)
			r := bufio.NewReader(bytes.NewReader(image))
			for _, want := range [][]byte{a, b, nil} {
				got, err := decode(c, r)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Fatalf("got %d bytes, want %d", len(got), len(want))
				}
				skipZeros(t, r)
			}
			if rest, _ := io.ReadAll(r); string(rest) != junk {
				t.Errorf("behind the streams: got %q, want %q", rest, junk)
			}
		})
	}
}

// What can be skipped ends where its reader ends, and one that is cut off is an error.
func TestSkip(t *testing.T) {
	for _, c := range packed() {
		for _, data := range [][]byte{nil, []byte("x"), mixed(300_000), make([]byte, 1<<20)} {
			z := encode(t, c, data, Options{Level: min(1, c.MaxLevel)})
			rest := strings.Repeat("\x00", c.gap) + "rest"
			r := bytes.NewReader(append(bytes.Clone(z), rest...))
			b := bufio.NewReader(r)
			known, err := c.Skip(b)
			if err != nil {
				t.Fatalf("%s: %v", c.Name, err)
			}
			if want := c != &gzipCodec; known != want {
				t.Errorf("%s: got %v, want %v", c.Name, known, want)
			}
			want := len(z)
			if !known {
				want = 0
			}
			if got := len(z) + len(rest) - r.Len() - b.Buffered(); got != want {
				t.Errorf("%s: %d bytes: got an end at %d, want %d", c.Name, len(data), got, want)
			}
			_, err = c.Skip(bufio.NewReader(bytes.NewReader(z[:len(z)-1])))
			if known && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s: cut off: got %v, want %v", c.Name, err, io.ErrUnexpectedEOF)
			}
		}
	}
}

func TestGuess(t *testing.T) {
	one := encode(t, &gzipCodec, mixed(300_000), Options{})
	r := bytes.NewReader(append(bytes.Clone(one), one...))
	b := bufio.NewReader(r)
	if !gzipCodec.Guess(b) {
		t.Fatal("a second stream was not found")
	}
	if got, want := 2*len(one)-r.Len()-b.Buffered(), len(one); got != want {
		t.Errorf("a second stream was found at %d, want %d", got, want)
	}
	if gzipCodec.Guess(b) {
		t.Error("a third stream was found, want two")
	}
}

func skipZeros(t *testing.T, r *bufio.Reader) {
	t.Helper()
	for {
		b, err := r.Peek(1)
		if err != nil {
			t.Fatal(err)
		}
		if b[0] != 0 {
			return
		}
		r.Discard(1)
	}
}

// Nothing between two streams: only lz4 makes one of them, as the kernel does.
func TestBackToBack(t *testing.T) {
	for _, c := range packed() {
		t.Run(c.Name, func(t *testing.T) {
			want := []string{"first", "second"}
			if c == &lz4Codec {
				want = []string{"firstsecond"}
			}
			r := bufio.NewReader(bytes.NewReader(slices.Concat(
				encode(t, c, []byte("first"), Options{}),
				encode(t, c, []byte("second"), Options{}))))
			var got []string
			for {
				if _, err := r.Peek(1); err == io.EOF {
					break
				}
				b, err := decode(c, r)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(b))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestTruncated(t *testing.T) {
	data := mixed(3000)
	for _, c := range packed() {
		t.Run(c.Name, func(t *testing.T) {
			z := encode(t, c, data, Options{})
			for n := range z {
				if c == &lz4Codec && n == 4 {
					continue // a magic and nothing else is an empty stream
				}
				if got, err := decodeBytes(c, z[:n]); err == nil {
					t.Errorf("%d of %d bytes: got %d bytes, want an error", n, len(z), len(got))
				} else if !strings.HasPrefix(err.Error(), c.Name+": ") {
					t.Errorf("%d of %d bytes: got error %q, want it to begin with %q", n, len(z), err, c.Name+": ")
				}
			}
		})
	}
}

func TestFlippedBits(t *testing.T) {
	data := mixed(3000)
	for _, c := range packed() {
		t.Run(c.Name, func(t *testing.T) {
			z := encode(t, c, data, Options{})
			var silent int
			for i := range 8 * len(z) {
				bad := bytes.Clone(z)
				bad[i/8] ^= 1 << (i % 8)
				if got, err := decodeBytes(c, bad); err == nil && !bytes.Equal(got, data) {
					silent++
				}
			}
			// The legacy format of lz4 has no check, so most damage to it goes unseen.
			if got, want := silent > 0, c == &lz4Codec; got != want {
				t.Errorf("%d flipped bits changed the data in silence", silent)
			}
		})
	}
}

func TestSameBytes(t *testing.T) {
	data := mixed(1 << 20)
	for _, c := range packed() {
		t.Run(c.Name, func(t *testing.T) {
			want := encode(t, c, data, Options{})
			for _, procs := range []int{1, 2} {
				before := runtime.GOMAXPROCS(procs)
				got := encode(t, c, data, Options{})
				runtime.GOMAXPROCS(before)
				if !bytes.Equal(got, want) {
					t.Errorf("GOMAXPROCS=%d makes other bytes", procs)
				}
			}
			var b bytes.Buffer
			w, err := c.NewWriter(&b, Options{})
			if err != nil {
				t.Fatal(err)
			}
			for p := data; len(p) > 0; {
				n := min(len(p), 1009)
				if _, err := w.Write(p[:n]); err != nil {
					t.Fatal(err)
				}
				p = p[n:]
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b.Bytes(), want) {
				t.Error("many small writes make other bytes than one large")
			}
		})
	}
}

func TestLevels(t *testing.T) {
	data := mixed(200_000)
	for _, c := range append(packed(), &noneCodec) {
		for level := range c.MaxLevel + 1 {
			got, err := decodeBytes(c, encode(t, c, data, Options{Level: level, Size: int64(len(data))}))
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s level %d: got %d bytes and %v, want the data", c.Name, level, len(got), err)
			}
		}
	}
	for _, test := range []struct {
		codec string
		level int
		want  string
	}{
		{"gzip", 10, "gzip: level 10 is not in 1 to 9"},
		{"zstd", 23, "zstd: level 23 is not in 1 to 22"},
		{"xz", -1, "xz: level -1 is not in 1 to 9"},
		{"none", 1, "none: takes no level"},
	} {
		c, err := Lookup(test.codec)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.NewWriter(io.Discard, Options{Level: test.level}); err == nil || err.Error() != test.want {
			t.Errorf("got error %v, want %s", err, test.want)
		}
	}
}

func TestLookup(t *testing.T) {
	for _, name := range Names() {
		c, err := Lookup(name)
		if err != nil || c.Name != name {
			t.Errorf("%s: got %v, %v", name, c, err)
		}
	}
	for _, name := range []string{"brotli", "bzip2", "lzma", "lzo", "lz4-frame"} { // some are only read
		_, err := Lookup(name)
		want := fmt.Sprintf("unknown codec %q (known are gzip, zstd, xz, lz4, none)", name)
		if err == nil || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}

func TestDetect(t *testing.T) {
	for head, want := range map[string]*Codec{
		"070701":                   &noneCodec,
		"070702":                   &noneCodec,
		"070707":                   nil,
		"BZh91A":                   &bzip2Codec,
		"\x89LZO\x00\r":            &lzoCodec,
		"\x5d\x00\x00\x80\x00\xff": &lzmaCodec,
		"\x1f\x9e\x08\x00\x00\x00": &gzipCodec,
		"":                         nil,
		"\x1f":                     nil,
		"\x04\x22\x4d\x18\x64\x40": &lz4FrameCodec,
	} {
		if got := Detect([]byte(head)); got != want {
			t.Errorf("%q: got %v, want %v", head, got, want)
		}
	}
}

func TestPad(t *testing.T) {
	for _, c := range append(packed(), &noneCodec) {
		for end := range int64(9) {
			for _, next := range append(packed(), &noneCodec, nil) {
				got := c.Pad(end, next)
				if next == &lz4Codec && c == next {
					if got != 0 {
						t.Errorf("lz4 ends at %d: got %d bytes of padding in front of lz4, want none", end, got)
					}
				} else if (end+int64(got))%4 != 0 || got < c.gap || got >= c.gap+4 {
					t.Errorf("%s ends at %d, then %v: got %d bytes of padding", c.Name, end, next, got)
				}
			}
		}
	}
	if lz4Codec.gap != 4 || gzipCodec.gap != 0 {
		t.Errorf("gaps: got %d behind lz4, %d behind gzip, want 4, 0", lz4Codec.gap, gzipCodec.gap)
	}
}

// What the kernel takes for a block size and cannot be one.
func TestLZ4Follower(t *testing.T) {
	z := encode(t, &lz4Codec, []byte("data"), Options{})
	raw := "070701"
	for pad, want := range []string{"block of", "block of", "block of", "block of", ""} {
		_, err := decodeBytes(&lz4Codec, slices.Concat(z, make([]byte, pad), []byte(raw)))
		if got := fmt.Sprint(err); (err == nil) != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%d bytes of padding: got error %v, want %q", pad, err, want)
		}
	}
	for pad := range 8 {
		if _, err := decodeBytes(&lz4Codec, append(bytes.Clone(z), make([]byte, pad)...)); err != nil {
			t.Errorf("%d bytes of padding at the end: %v", pad, err)
		}
	}
}

// Streams that ask for more memory than they may have are refused before it is
// allocated.
func TestHugeWindow(t *testing.T) {
	dictionary := encode(t, &xzCodec, nil, Options{})
	block := append(dictionary[:12], "\x02\x00\x21\x01\x28\x00\x00\x00"...) // 4 GiB - 1
	dictionary = binary.LittleEndian.AppendUint32(block, crc32.ChecksumIEEE(block[12:]))
	content := binary.LittleEndian.AppendUint64([]byte("\x28\xb5\x2f\xfd\xe0"), 1<<40)
	const unsized = "\xff\xff\xff\xff\xff\xff\xff\xff"
	for _, test := range []struct {
		name  string
		codec *Codec
		data  []byte
		want  string
	}{
		{"xz dictionary", &xzCodec, dictionary, "xz: dictionary of 4096 MiB, more than 128 MiB"},
		{"zstd window", &zstdCodec, []byte("\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00"), "zstd: window of 1024 MiB, more than 128 MiB"},
		{"zstd content", &zstdCodec, append(content, 1, 0, 0), "zstd: window of 1048576 MiB, more than 128 MiB"},
		{"zstd skippable", &zstdCodec, []byte("\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"), "zstd: skippable frame"},
		{"lzma dictionary", &lzmaCodec, []byte("\x5d\x00\xff\xff\xff" + unsized + "\x00\x00\x00\x00\x00"), "lzma: dictionary of 4096 MiB, more than 128 MiB"},
		{"lzma size", &lzmaCodec, []byte("\x5d\x00\xff\xff\xff\x01\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00"), "lzma: dictionary of 129 MiB, more than 128 MiB"},
		{"lz4 frame block", &lz4FrameCodec, []byte("\x04\x22\x4d\x18\x60\x40\x82\x01\x00\x01\x00"), "lz4-frame: corrupt data: block of 65537 bytes, at most 65536 are possible"},
	} {
		before := allocated()
		_, err := decodeBytes(test.codec, test.data)
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: got error %v, want %s", test.name, err, test.want)
		}
		if got := allocated() - before; got > 1<<20 {
			t.Errorf("%s: allocated %d bytes", test.name, got)
		}
	}
}

// allocated returns the bytes that this process has allocated so far.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func TestWindow(t *testing.T) {
	for _, test := range []struct {
		codec *Codec
		o     Options
		want  int64
	}{
		{&gzipCodec, Options{}, 32 << 10},
		{&zstdCodec, Options{}, 8 << 20},
		{&zstdCodec, Options{Level: 22, Size: 1 << 30}, 8 << 20},
		{&zstdCodec, Options{Small: true}, 1 << 20},
		{&zstdCodec, Options{Size: 1}, 1 << 10},
		{&zstdCodec, Options{Size: 64 << 10}, 64 << 10},
		{&zstdCodec, Options{Size: 64<<10 + 1}, 128 << 10},
		{&xzCodec, Options{}, 8 << 20},
		{&xzCodec, Options{Level: 9}, 64 << 20},
		{&xzCodec, Options{Level: 9, Small: true}, 1 << 20},
		{&xzCodec, Options{Level: 1}, 1 << 20},
		{&xzCodec, Options{Size: 1}, 4 << 10},
		{&xzCodec, Options{Size: 64<<10 + 1}, 96 << 10},
		{&xzCodec, Options{Level: 99}, 8 << 20},
		{&lz4Codec, Options{}, 64 << 10},
		{&lz4Codec, Options{Size: 9 << 20}, 64 << 10},
		{&lz4Codec, Options{Size: 1}, 1},
		{&noneCodec, Options{Size: 1}, 0},
	} {
		if got := test.codec.Window(test.o); got != test.want {
			t.Errorf("%s %+v: got %d, want %d", test.codec.Name, test.o, got, test.want)
		}
	}
}

// Whatever is read, it is decoded to an end or refused, and what is behind an
// end is left alone.
func FuzzReader(f *testing.F) {
	for _, data := range [][]byte{nil, mixed(2000)} {
		for _, s := range streams(f, data) {
			f.Add(s.packed)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := Detect(data)
		if c == nil {
			return
		}
		r := bytes.NewReader(data)
		b := bufio.NewReader(r)
		d, err := c.NewReader(b)
		if err != nil {
			return
		}
		defer d.Close()
		want, err := io.ReadAll(io.LimitReader(d, 1<<20))
		if err != nil || len(want) == 1<<20 {
			return
		}
		end := len(data) - r.Len() - b.Buffered()
		got, err := decodeBytes(c, data[:end])
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: the stream of %d bytes alone: got %d bytes and %v, want %d bytes", c.Name, end, len(got), err, len(want))
		}
	})
}
