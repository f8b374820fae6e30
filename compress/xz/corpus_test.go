package xz

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"
)

// sample is data to be compressed, or that has been.
type sample struct {
	name string
	data []byte
}

func newRand() *rand.Rand { return rand.New(rand.NewPCG(5, 6)) }

// samples are the same in every run, but for the executable. Bytes that cannot be
// packed stand between others, so that raw chunks do.
func samples(t testing.TB) []sample {
	random := noise(200_000)
	words := text(newRand(), 300_000)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	return []sample{
		{"empty", nil},
		{"byte", []byte{7}},
		{"zeros", make([]byte, 3<<20)}, // more than a chunk
		{"text", words},
		{"mixed", bytes.Join([][]byte{words, random, words[:100_000], random[:70_000]}, nil)},
		{"periods", periods(newRand(), 250_000)},
		{"program", program[:min(len(program), 768<<10)]},
	}
}

func noise(size int) []byte {
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{9}).Read(b)
	return b
}

// text is words of a small vocabulary.
func text(rnd *rand.Rand, size int) []byte {
	var words [2000]string
	for i := range words {
		var word strings.Builder
		for range 1 + rnd.IntN(10) {
			word.WriteByte(byte('a' + min(rnd.IntN(26), rnd.IntN(26))))
		}
		words[i] = word.String()
	}
	var b []byte
	for len(b) < size {
		b = append(append(b, words[min(rnd.IntN(len(words)), rnd.IntN(len(words)))]...), ' ')
	}
	return b
}

// periods is runs that repeat 1 to 40 bytes, for matches that overlap themselves.
func periods(rnd *rand.Rand, size int) []byte {
	var b []byte
	for len(b) < size {
		period := noise(50)[rnd.IntN(10):][:1+rnd.IntN(40)]
		b = append(b, bytes.Repeat(period, 1+rnd.IntN(400)/len(period))...)
		b = append(b, byte(rnd.Uint32()))
	}
	return b
}

// encode compresses data with the library.
func encode(t testing.TB, data []byte, c xz.WriterConfig) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := c.NewWriter(&b)
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

// xzTool compresses data with the program at path.
func xzTool(t testing.TB, path string, data []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(path, append([]string{"-q", "-c"}, args...)...)
	cmd.Stdin = bytes.NewReader(data)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, stderr.String())
	}
	return out
}

// decode decodes all of data with d.
func decode(d *Decoder, data []byte) ([]byte, error) {
	if err := d.Reset(bytes.NewReader(data)); err != nil {
		return nil, err
	}
	return io.ReadAll(d)
}

// check decodes data with d and compares.
func check(t testing.TB, d *Decoder, data, want []byte) {
	t.Helper()
	got, err := decode(d, data)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("got %d bytes and error %v, want %d bytes, or they differ", len(got), err, len(want))
	}
}

// oracle is our decoder and the library's, which takes all that ours takes. (It
// takes more, such as a stream that is cut off in its index.)
type oracle struct{ ours Decoder }

func (o *oracle) compare(t *testing.T, data []byte) {
	t.Helper()
	const enough = 1 << 20
	o.ours.Reset(bytes.NewReader(data))
	got, err := io.ReadAll(io.LimitReader(&o.ours, enough))
	want, wantErr := theirs(data, enough)
	if err == nil && (wantErr != nil || !bytes.Equal(got, want)) {
		t.Errorf("got %d bytes and no error, want %d bytes and error %v, or they differ", len(got), len(want), wantErr)
	}
}

func theirs(data []byte, enough int64) (b []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("the library panicked")
		}
	}()
	r, err := xz.ReaderConfig{SingleStream: true}.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, enough))
}
