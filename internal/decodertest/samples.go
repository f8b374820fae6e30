package decodertest

import (
	"bytes"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// Sample is data to be compressed, or that has been.
type Sample struct {
	Name string
	Data []byte
}

// Rand returns a source of the same numbers in every run.
func Rand() *rand.Rand { return rand.New(rand.NewPCG(5, 6)) }

// Samples returns data of all kinds. Only the executable differs between runs. Incompressible
// bytes stand between others, so that raw blocks do too.
func Samples(t testing.TB) []Sample {
	t.Helper()
	random, words := Noise(200_000), Text(Rand(), 300_000)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	return []Sample{
		{"empty", nil},
		{"byte", []byte{7}},
		{"short", []byte("the quick brown fox")},
		{"zeros", make([]byte, 3<<20)},
		{"random", random},
		{"text", words},
		{"mixed", bytes.Join([][]byte{words, random, words[:100_000], random[:70_000]}, nil)},
		{"periods", Periods(Rand(), 250_000)},
		{"nibbles", Nibbles(Rand(), 200_000)},
		{"skewed", skewed(Rand(), 300<<10)},
		{"program", program[:min(len(program), 768<<10)]},
	}
}

// Small returns data that make small streams of all kinds of blocks.
func Small() []Sample {
	return []Sample{
		{"raw", []byte("abc")},
		{"random", Noise(100)},
		{"run", make([]byte, 3000)},
		{"text", Text(Rand(), 1000)},
		{"periods", Periods(Rand(), 700)},
		{"nibbles", Nibbles(Rand(), 1500)},
	}
}

// Noise returns incompressible bytes.
func Noise(size int) []byte {
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{9}).Read(b)
	return b
}

// Text is words of a small vocabulary.
func Text(rnd *rand.Rand, size int) []byte {
	var words [3000]string
	for i := range words {
		var word strings.Builder
		for range 1 + rnd.IntN(10) {
			word.WriteByte(byte('a' + min(rnd.IntN(26), rnd.IntN(26))))
		}
		words[i] = word.String()
	}
	var b []byte
	for len(b) < size {
		b = append(append(b, words[min(rnd.IntN(len(words)), rnd.IntN(len(words)))]...), " \n"[rnd.IntN(20)/19])
	}
	return b
}

// Periods is runs that repeat 1 to 40 bytes, for matches that overlap themselves.
func Periods(rnd *rand.Rand, size int) []byte {
	var b []byte
	for len(b) < size {
		period := Noise(50)[rnd.IntN(10):][:1+rnd.IntN(40)]
		b = append(b, bytes.Repeat(period, 1+rnd.IntN(400)/len(period))...)
		b = append(b, period[:rnd.IntN(len(period))]...)
		b = append(b, byte(rnd.Uint32()))
	}
	return b
}

// Nibbles has no matches to speak of and few symbols: literals and their code.
func Nibbles(rnd *rand.Rand, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(rnd.IntN(16) * rnd.IntN(3))
	}
	return b
}

// skewed has symbols that are ever more even, so that their codes are long.
func skewed(rnd *rand.Rand, size int) []byte {
	var b []byte
	for i := range size {
		b = append(b, byte(rnd.ExpFloat64()*float64(1+i>>15)*7))
	}
	return b
}
