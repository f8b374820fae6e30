package zstd

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	klauspost "github.com/klauspost/compress/zstd"
)

// sample is data to be compressed.
type sample struct {
	name string
	data []byte
}

// samples are the same in every run, but for the executable.
func samples(t testing.TB) []sample {
	rnd := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, 300_000)
	for i := range random {
		random[i] = byte(rnd.Uint32())
	}
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
		{"short", []byte("the quick brown fox")},
		{"zeros", make([]byte, 300_000)},
		{"random", random},
		{"text", text(rnd, 300_000)},
		{"periods", periods(rnd, 250_000)},
		{"nibbles", nibbles(rnd, 200_000)},
		{"program", program[:min(len(program), 768<<10)]},
	}
}

// text is words of a small vocabulary.
func text(rnd *rand.Rand, size int) []byte {
	var words []string
	for range 3000 {
		word := make([]byte, 1+rnd.IntN(10))
		for i := range word {
			word[i] = byte('a' + min(rnd.IntN(26), rnd.IntN(26)))
		}
		words = append(words, string(word))
	}
	var b bytes.Buffer
	for b.Len() < size {
		b.WriteString(words[min(rnd.IntN(len(words)), rnd.IntN(len(words)))])
		b.WriteByte(" \n"[rnd.IntN(20)/19])
	}
	return b.Bytes()
}

// periods is runs that repeat 1 to 40 bytes, for matches that overlap themselves.
func periods(rnd *rand.Rand, size int) []byte {
	var b []byte
	for len(b) < size {
		period := make([]byte, 1+rnd.IntN(40))
		for i := range period {
			period[i] = byte(rnd.Uint32())
		}
		b = append(b, bytes.Repeat(period, 1+rnd.IntN(200)/len(period))...)
		b = append(b, period[:rnd.IntN(len(period))]...)
	}
	return b
}

// nibbles has no matches to speak of and few symbols: literals and their code.
func nibbles(rnd *rand.Rand, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(rnd.IntN(16) * rnd.IntN(3))
	}
	return b
}

// encode compresses data with the library.
func encode(t testing.TB, data []byte, options ...klauspost.EOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := klauspost.NewWriter(&b, append(options, klauspost.WithZeroFrames(true), klauspost.WithEncoderConcurrency(1))...)
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

// zstdTool compresses data with the program at path, which reads a file, so that
// it knows the size, or a pipe.
func zstdTool(t testing.TB, path string, data []byte, file bool, args ...string) []byte {
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
