package lzma2

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/ulikunitz/xz/lzma"

	"github.com/mkinitfs/mkinitfs/compress/xz"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// usual is what most tests encode with.
var usual = Options{Dictionary: 1 << 20, Nice: 64, Depth: 48, LC: 3, PB: 2}

// samples are the same in every run and on every machine.
func samples() []sample {
	rng := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 70_000)
	rand.NewChaCha8([32]byte{3}).Read(noise)
	var text []byte
	for len(text) < 30_000 {
		text = fmt.Appendf(text, "%d lib%d.so.%d\t", rng.IntN(100), rng.IntN(30), rng.IntN(7))
	}
	var records []byte // of four bytes, with runs and pairs
	for i := range uint32(4_000) {
		records = append(records, byte(i), byte(i>>8), byte(rng.IntN(3)), byte(rng.IntN(256)))
	}
	var periods []byte
	for len(periods) < 15_000 {
		at := rng.IntN(1000)
		periods = append(periods, bytes.Repeat(noise[at:at+1+rng.IntN(40)], 1+rng.IntN(100))...)
		periods = append(periods, byte(rng.Uint32()))
	}
	s := []sample{
		{"zeros", make([]byte, maxUnpacked+100_000)}, {"noise", noise}, {"text", text}, {"records", records}, {"periods", periods},
		{"mixed", slices.Concat(text, noise[:67_000], periods, records, text, noise[:65_536])},
	}
	for n := range 6 {
		s = append(s, sample{fmt.Sprint(n, " bytes"), []byte("\x00\x00abab")[:n]}, sample{fmt.Sprint(n, " the same"), make([]byte, n)})
	}
	return s
}

type sample struct {
	name string
	data []byte
}

// encode encodes data, written size bytes at a time.
func encode(t testing.TB, e *Encoder, data []byte, size int, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	e.Reset(&b, o)
	for data := data; len(data) > 0; {
		n, err := e.Write(data[:min(size, len(data))])
		if err != nil {
			t.Fatal(err)
		}
		data = data[n:]
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// check has the stub's decoder and the library decode what was encoded.
func check(t testing.TB, packed, want []byte, o Options) {
	t.Helper()
	var d xz.Decoder
	xz.ResetBlock(&d, bytes.NewReader(append(packed, make([]byte, -len(packed)&3)...)), uint32(o.Dictionary), int64(len(want)))
	if got, err := io.ReadAll(&d); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%+v: our decoder: got %d bytes and error %v, want %d bytes, or they differ", o, len(got), err, len(want))
	}
	if len(want) == 0 {
		return // a block without chunks, which the library does not take
	}
	r, err := lzma.Reader2Config{DictCap: o.Dictionary}.NewReader2(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%+v: the library: got %d bytes and error %v, want %d bytes, or they differ", o, len(got), err, len(want))
	}
}

// options are those at the edges of what they may be.
func options() []Options {
	all := []Options{usual, {Dictionary: 8 << 20, Nice: 273, Depth: 512, LC: 3, PB: 2}, {Dictionary: 1 << 20, Nice: 24, Depth: 4, LC: 3, PB: 2}}
	for _, nice := range []int{2, 3, 4, 5, 17, 18, 32, 272, 273} {
		all = append(all, Options{Dictionary: 4096, Nice: nice, Depth: 1, LC: 3, PB: 2}, Options{Dictionary: 1 << 16, Nice: nice, Depth: 8, LC: 3, PB: 2})
	}
	for lc := 0; lc <= 4; lc++ {
		for _, lp := range []int{0, 4 - lc} {
			all = append(all, Options{Dictionary: 1 << 17, Nice: 32, Depth: 8, LC: lc, LP: lp, PB: (lc + lp) % 5})
		}
	}
	return all
}

func TestDecoders(t *testing.T) {
	testenv.Sequential(t)
	var e Encoder
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			all := options()
			if len(s.data) > 1<<20 {
				all = all[:5]
			}
			for _, o := range all {
				check(t, encode(t, &e, s.data, 1<<20, o), s.data, o)
			}
		})
	}
}

// What does not shrink grows by the headers of its chunks only.
func TestRaw(t *testing.T) {
	data := samples()[1].data
	got := len(encode(t, new(Encoder), data, len(data), usual))
	if want := len(data) + 3*(len(data)/(60<<10)+1) + 1; got > want {
		t.Errorf("got %d bytes for %d of noise, want %d at most", got, len(data), want)
	}
}

// The bytes are the same however the data is written, for an encoder that has done something
// else before, and for one that has lost its writer.
func TestSameBytes(t *testing.T) {
	testenv.Sequential(t)
	all := samples()
	data := slices.Concat(all[5].data, all[5].data)
	o := Options{Dictionary: 1 << 18, Nice: 64, Depth: 8, LC: 3, PB: 2}
	want := encode(t, new(Encoder), data, len(data), o)
	var e Encoder
	for _, size := range []int{1, 511, 100_003} {
		given := data[:min(len(data), size*100_000)]
		want := want
		if len(given) < len(data) {
			want = encode(t, new(Encoder), given, len(given), o)
		}
		encode(t, &e, all[2].data, 1<<20, Options{Dictionary: 1 << 21, Nice: 273, Depth: 100, LC: 0, LP: 4, PB: 4})
		e.Reset(&failing{left: 1000}, o)
		e.Write(all[2].data)
		if !bytes.Equal(encode(t, &e, given, size, o), want) {
			t.Errorf("writes of %d bytes: got other bytes than those of one write", size)
		}
	}
	o.Size = int64(len(data))
	check(t, encode(t, &e, data, 1<<20, o), data, o)
	o.Size = 5000 // there is more than was said
	check(t, encode(t, &e, data, 1<<20, o), data, o)
}

// failing is a writer that ends.
type failing struct{ left int }

var errFull = errors.New("full")

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// An encoder stops when its writer fails, so that a build that is cancelled ends.
func TestWriterFails(t *testing.T) {
	data := samples()[5].data
	packed := encode(t, new(Encoder), data, len(data), usual)
	for _, left := range []int{0, 1, 5, len(packed) / 3, len(packed) - 1} {
		var e Encoder
		e.Reset(&failing{left}, usual)
		if _, err := e.Write(data); left < len(packed)/2 && err != errFull {
			t.Errorf("write after %d bytes: got error %v, want %v", left, err, errFull)
		}
		if err := e.Close(); err != errFull {
			t.Errorf("close after %d bytes: got error %v, want %v", left, err, errFull)
		}
	}
}

// An encoder that was used allocates nothing, and one that was not what Memory says.
func TestMemory(t *testing.T) {
	testenv.Sequential(t)
	data := samples()[5].data
	var e Encoder
	if got, want := testing.AllocsPerRun(3, func() {
		e.Reset(io.Discard, usual)
		e.Write(data)
		e.Close()
	}), 0.0; got != want {
		t.Errorf("got %v allocations, want %v", got, want)
	}
	got := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e := new(Encoder)
			e.Reset(io.Discard, usual)
			e.Write(data)
			e.Close()
		}
	}).AllocedBytesPerOp()
	if want := Memory(usual); got > want || got < want*9/10 {
		t.Errorf("got %d bytes, want %d, or up to a tenth less", got, want)
	}
}

// golden is the SHA-256 of what the samples become, one after the other.
const golden = "d5540b64013b303f571ebd6857c9242260792b0181b825c9bcdfefcf799bf120"

// The bytes are the same on every machine: TestMachines runs this for other ones.
func TestGolden(t *testing.T) {
	sum := sha256.New()
	var e Encoder
	for _, s := range samples() {
		for _, o := range []Options{usual, {Dictionary: 4096, Nice: 2, Depth: 1, LC: 0, LP: 4, PB: 4}, {Dictionary: 1 << 17, Nice: 273, Depth: 20, LC: 2, LP: 2}} {
			sum.Write(encode(t, &e, s.data, len(s.data), o))
		}
	}
	if got := fmt.Sprintf("%x", sum.Sum(nil)); got != golden {
		t.Errorf("got %s, want %s", got, golden)
	}
}

func TestMachines(t *testing.T) {
	testenv.Sequential(t)
	for _, arch := range []string{"386", "arm64", "s390x"} {
		t.Run(arch, func(t *testing.T) {
			if arch != "386" {
				testenv.Matrix(t)
			}
			args := slices.Concat([]string{"test"}, testenv.Exec(t, arch), []string{"-run", "^(TestGolden|TestRaw)$", "."})
			cmd := exec.Command("go", args...)
			cmd.Env = append(os.Environ(), "GOARCH="+arch, "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// The tool reads the chunks, too.
func TestTool(t *testing.T) {
	tool := testenv.Tool(t, "xz")
	var e Encoder
	for _, s := range samples()[:6] {
		for _, o := range options()[:4] {
			cmd := exec.Command(tool, "-dc", "--format=raw", fmt.Sprintf("--lzma2=dict=%d", o.Dictionary))
			cmd.Stdin = bytes.NewReader(encode(t, &e, s.data, 1<<20, o))
			var stderr strings.Builder
			cmd.Stderr = &stderr
			if got, err := cmd.Output(); err != nil || !bytes.Equal(got, s.data) {
				t.Errorf("%s %+v: got %d bytes and error %v, want %d bytes, or they differ\n%s", s.name, o, len(got), err, len(s.data), &stderr)
			}
		}
	}
}
