package bcj

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

// code returns n bytes that look like instructions to every filter, again and again.
func code(n int) []byte {
	rng := rand.New(rand.NewPCG(3, 4))
	opcodes := []string{
		"\xe8", "\xe9", "\xe8\xe9", "\x00", "\xff", "\x00\x00\x00\x00", // x86
		"\x48\x00\x01\x01", "\x4b\xff\xff\xfd", // PowerPC
		"\xfe\xff\xff\xeb", "\x12\x00\x00\xeb", // ARM
		"\x00\xf0\x10\xf8", "\xff\xf7\xfe\xff", // ARM-Thumb
		"\x40\x00\x00\x10", "\x7f\xff\xff\xf0", // SPARC
		"\x01\x00\x00\x94", "\x20\x00\x00\x90", "\xe1\xff\xff\xf0", // ARM64
		"\xef\x00\x10\x00", "\xef\xf2\xdf\xff", "\x97\x00\x00\x00\xe7\x80\x40\x01", // RISC-V
		"\x17\x01\x00\x00\x13\x01\x01\x01", "\x17\x31\x31\x51\x00\x01\x02\x03", "\x17\x05\x00\x00\x17\x05\x05\x00",
	}
	var b []byte
	for len(b) < n {
		op := opcodes[rng.IntN(len(opcodes))]
		b = append(b, op...)
		for range rng.IntN(5) {
			b = append(b, byte(rng.Uint32()))
		}
		if rng.IntN(2) == 0 {
			b = append(b, make([]byte, -len(b)&3)...)
		}
	}
	return b[:n]
}

// The data is the same in whatever pieces it comes and goes.
func TestPieces(t *testing.T) {
	data := code(200_000)
	for _, f := range filters {
		const start = 0x1000
		want, err := io.ReadAll(f.NewReader(bytes.NewReader(data), start))
		if err != nil || len(want) != len(data) {
			t.Fatalf("%s: got %d bytes and error %v, want %d bytes", f.Name, len(want), err, len(data))
		}
		if bytes.Equal(want, data) {
			t.Errorf("%s: changed nothing", f.Name)
		}
		for _, in := range []io.Reader{
			iotest.OneByteReader(bytes.NewReader(data)),
			iotest.HalfReader(bytes.NewReader(data)),
			iotest.DataErrReader(bytes.NewReader(data)),
		} {
			got, err := io.ReadAll(iotest.HalfReader(f.NewReader(in, start)))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: in pieces: got %d bytes and error %v, or they differ", f.Name, len(got), err)
			}
		}
	}
}

// What came before an error is passed on.
func TestFault(t *testing.T) {
	for _, f := range filters {
		in := iotest.DataErrReader(io.MultiReader(bytes.NewReader(code(100)), iotest.ErrReader(io.ErrUnexpectedEOF)))
		got, err := io.ReadAll(f.NewReader(in, 0))
		if len(got) != 100 || err != io.ErrUnexpectedEOF {
			t.Errorf("%s: got %d bytes and error %v, want 100 and %v", f.Name, len(got), err, io.ErrUnexpectedEOF)
		}
	}
}

// The sums are of what the decoder of XZ Utils 5.8 makes of the same bytes. Its tool has
// the filter from 5.6 on, so that few machines can compare with it.
func TestRISCV(t *testing.T) {
	for start, want := range map[uint32]string{
		0:          "c2707134506563ccd48fb7c501fd4c800275c9357802fad5f3d519ca78316c04",
		0xfffffff2: "4149c867c3f34d4b48b381aa3543dc199ea6744e0432fe61eff5d0a33c2185a6",
	} {
		b, err := io.ReadAll(Lookup(11).NewReader(bytes.NewReader(code(100_000)), start))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("start %#x: got %s, want %s", start, got, want)
		}
	}
}

func TestLookup(t *testing.T) {
	for id, want := range map[uint64]string{0: "", 3: "", 4: "x86", 5: "PowerPC", 6: "", 7: "ARM", 8: "ARM-Thumb", 9: "SPARC", 10: "ARM64", 11: "RISC-V", 12: "", 0x104: ""} {
		got := ""
		if f := Lookup(id); f != nil {
			got = f.Name
		}
		if got != want {
			t.Errorf("filter %d: got %q, want %q", id, got, want)
		}
	}
}

// Nothing is read or written out of bounds, and nothing depends on where pieces end.
func FuzzFilters(f *testing.F) {
	f.Add(code(300), uint32(0), 7)
	f.Add([]byte("\xe8\x00\x00\x00"), uint32(1<<31), 2)
	f.Fuzz(func(t *testing.T, data []byte, start uint32, cut int) {
		cut = min(max(cut, 0), len(data))
		for _, filter := range filters {
			start := start &^ (filter.Align - 1)
			want, err := io.ReadAll(filter.NewReader(bytes.NewReader(data), start))
			if err != nil || len(want) != len(data) {
				t.Fatalf("%s: got %d bytes and error %v, want %d bytes", filter.Name, len(want), err, len(data))
			}
			got, _ := io.ReadAll(filter.NewReader(io.MultiReader(bytes.NewReader(data[:cut]), bytes.NewReader(data[cut:])), start))
			if !bytes.Equal(got, want) {
				t.Errorf("%s: cut at %d: the bytes differ", filter.Name, cut)
			}
		}
	})
}
