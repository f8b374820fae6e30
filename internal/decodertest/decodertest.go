// Package decodertest has the tests that the decoders in compress share. Tests of one format
// are beside its decoder.
package decodertest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// Decoder decodes one stream after another. Its zero value is ready for Reset.
type Decoder interface {
	io.Reader
	Reset(io.Reader) error
}

// Decode decodes all of data.
func Decode(d Decoder, data []byte) ([]byte, error) {
	if err := d.Reset(bytes.NewReader(data)); err != nil {
		return nil, err
	}
	return io.ReadAll(d)
}

// Check decodes packed and compares with want.
func Check(t testing.TB, d Decoder, packed, want []byte) {
	t.Helper()
	got, err := Decode(d, packed)
	if err != nil {
		t.Fatalf("got error %q after %d bytes, want %d bytes", err, len(got), len(want))
	}
	if !bytes.Equal(got, want) {
		i := 0
		for i < min(len(got), len(want)) && got[i] == want[i] {
			i++
		}
		t.Fatalf("got %d bytes, want %d; they differ at %d", len(got), len(want), i)
	}
}

// Tool compresses data with the program at path. The program reads a file, which tells it the
// size, or a pipe.
func Tool(t testing.TB, path string, data []byte, file bool, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(path, append([]string{"-q", "-c"}, args...)...)
	if file {
		name := t.TempDir() + "/data"
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd.Args = append(cmd.Args, name)
	} else {
		cmd.Stdin = bytes.NewReader(data)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, stderr.String())
	}
	return out
}

// ReadSizes reads packed with reads of many sizes, from sources that return pieces of any
// size.
func ReadSizes(t *testing.T, d Decoder, packed, want []byte) {
	t.Helper()
	for size := 1; size < len(want); size = size*3 + 1 {
		for name, r := range map[string]io.Reader{
			"bytes":         iotest.OneByteReader(bytes.NewReader(packed)),
			"halves":        iotest.HalfReader(bytes.NewReader(packed)),
			"EOF with data": iotest.DataErrReader(bytes.NewReader(packed)),
		} {
			d.Reset(r)
			var got []byte
			for buf := make([]byte, size); ; {
				n, err := d.Read(buf)
				got = append(got, buf[:n]...)
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("reads of %d bytes, from %s: %v", size, name, err)
				}
			}
			if !bytes.Equal(got, want) {
				t.Errorf("reads of %d bytes, from %s: got %d bytes that differ from the %d wanted", size, name, len(got), len(want))
			}
		}
	}
}

// Reset uses a new decoder, drops streams half way and reads when there is none.
func Reset(t *testing.T, d Decoder, packed, want []byte) {
	t.Helper()
	if _, err := d.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("read before Reset: got error %v, want one that says so", err)
	}
	for range 2 {
		d.Reset(bytes.NewReader(packed))
		if n, err := io.ReadFull(d, make([]byte, 10)); n != 10 || err != nil {
			t.Fatalf("got %d bytes, error %v, want 10 bytes", n, err)
		}
	}
	if _, err := Decode(d, packed[:50]); err == nil {
		t.Error("cut stream: got no error")
	}
	Check(t, d, packed, want)
	if err := d.Reset(nil); err != nil {
		t.Errorf("Reset(nil): got error %v", err)
	}
	if n, err := d.Read(make([]byte, 1)); n != 0 || err == nil || err == io.EOF {
		t.Errorf("read after Reset(nil): got %d bytes, error %v, want an error", n, err)
	}
}

// SourceError checks that an error of the source after so many bytes of packed is returned as
// it is.
func SourceError(t *testing.T, d Decoder, packed []byte, after ...int) {
	t.Helper()
	want := errors.New("disk on fire")
	for _, n := range after {
		d.Reset(io.MultiReader(bytes.NewReader(packed[:n]), iotest.ErrReader(want)))
		if _, err := io.ReadAll(d); err != want {
			t.Errorf("after %d bytes: got error %v, want %v", n, err, want)
		}
	}
}

// Truncated cuts the streams at every byte. The output must be the beginning of the whole, and
// the error an unexpected end. fits, if not nil, says whether an error is right for a stream
// of so many bytes.
func Truncated(t *testing.T, d Decoder, streams []Sample, fits func(err error, n int) bool) {
	t.Helper()
	for _, s := range streams {
		want, err := Decode(d, s.Data)
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		for n := range s.Data {
			got, err := Decode(d, s.Data[:n])
			if !errors.Is(err, io.ErrUnexpectedEOF) || fits != nil && !fits(err, n) || !bytes.HasPrefix(want, got) {
				t.Fatalf("%s, %d of %d bytes: got %d bytes and error %v, want what is there and an unexpected end", s.Name, n, len(s.Data), len(got), err)
			}
		}
	}
}

// FlippedBits flips each bit behind a header of so many bytes. A check or the format itself
// must find every change of the content. fits, if not nil, says whether an error is right for
// a stream of so many bytes.
func FlippedBits(t *testing.T, d Decoder, streams []Sample, header int, fits func(err error, n int) bool) {
	t.Helper()
	for _, s := range streams {
		want, err := Decode(d, s.Data)
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		data := slices.Clone(s.Data)
		for i := 8 * header; i < 8*len(data); i++ {
			data[i/8] ^= 1 << (i % 8)
			got, err := Decode(d, data)
			switch {
			case err == nil && !bytes.Equal(got, want):
				t.Errorf("%s, bit %d: got other data and no error", s.Name, i)
			case err != nil && fits != nil && !fits(err, len(data)):
				t.Errorf("%s, bit %d: got error %v, which is not right", s.Name, i, err)
			}
			data[i/8] ^= 1 << (i % 8)
		}
	}
}

// FlipSome flips n bits of packed, one at a time, and passes each result to compare.
func FlipSome(t *testing.T, packed []byte, n int, compare func(t *testing.T, data []byte)) {
	t.Helper()
	rnd := Rand()
	for range n {
		i := rnd.IntN(8 * len(packed))
		packed[i/8] ^= 1 << (i % 8)
		compare(t, packed)
		packed[i/8] ^= 1 << (i % 8)
	}
}

// NoAllocations checks that a decoder in use allocates nothing.
func NoAllocations(t *testing.T, d Decoder, streams ...[]byte) {
	t.Helper()
	r := new(bytes.Reader)
	buf := make([]byte, 64<<10)
	got := testing.AllocsPerRun(5, func() {
		for _, packed := range streams {
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
		t.Errorf("got %v allocations for %d streams, want 0", got, len(streams))
	}
}

// Enough is how many bytes of a stream are decoded to compare two decoders.
const Enough = 1 << 20

// Rival is a decoder to compare with.
type Rival struct {
	Name string
	Decoder
}

// Bench decodes packed with each of the rivals, or the file that the variable env names.
func Bench(b *testing.B, env string, packed []byte, rivals ...Rival) {
	if name := os.Getenv(env); name != "" {
		var err error
		if packed, err = os.ReadFile(name); err != nil {
			b.Fatal(err)
		}
	}
	for _, r := range rivals {
		b.Run(r.Name, func(b *testing.B) {
			buf := make([]byte, 64<<10)
			for b.Loop() {
				if err := r.Reset(bytes.NewReader(packed)); err != nil {
					b.Fatal(err)
				}
				size, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, buf)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(size)
			}
		})
	}
}
