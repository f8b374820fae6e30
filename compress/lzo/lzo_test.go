package lzo

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// sample returns n bytes with matches near and far, short and long, and runs of literals
// of any length.
func sample(rng *rand.Rand, n int) []byte {
	var b []byte
	for len(b) < n {
		switch size := rng.IntN(1 << rng.IntN(12)); rng.IntN(4) {
		case 0:
			b = append(b, bytes.Repeat([]byte{byte(rng.Uint32())}, size)...)
		case 1:
			for range size {
				b = append(b, byte(rng.Uint32()))
			}
		default:
			if len(b) > size {
				from := rng.IntN(len(b) - size)
				b = append(b, b[from:][:size]...)
			}
		}
	}
	return b[:n]
}

func pack(t testing.TB, data []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(testenv.Tool(t, "lzop"), append(args, "-c")...)
	cmd.Stdin = bytes.NewReader(data)
	z, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func unpack(z []byte) ([]byte, error) {
	r, err := NewReader(bytes.NewReader(z))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// What lzop writes, at each method and with all sums, is read to its end.
func TestTool(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, args := range []string{"", "-1", "-9", "-F", "-C", "--crc32", "--crc32 -C", "-F -C"} {
		for _, n := range []int{0, 1, 2, 3, 4, 20, 300, 5000, maxBlock, maxBlock + 1, 1 << 20} {
			want := sample(rng, n)
			z := pack(t, want, strings.Fields(args)...)
			in := bytes.NewReader(append(z, "behind"...))
			r, err := NewReader(in)
			if err != nil {
				t.Fatalf("lzop %s: %v", args, err)
			}
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("lzop %s: got %d bytes and error %v, want %d bytes, or they differ", args, len(got), err, n)
			}
			if in.Len() != len("behind") {
				t.Errorf("lzop %s: %d bytes are left, want %d", args, in.Len(), len("behind"))
			}
		}
	}
}

func TestDamage(t *testing.T) {
	want := sample(rand.New(rand.NewPCG(9, 10)), 3000)
	z := pack(t, want)
	for n := range z {
		if _, err := unpack(z[:n]); err == nil {
			t.Errorf("%d of %d bytes: got no error", n, len(z))
		}
	}
	for i := range 8 * len(z) {
		bad := bytes.Clone(z)
		bad[i/8] ^= 1 << (i % 8)
		if got, err := unpack(bad); err == nil && !bytes.Equal(got, want) {
			t.Errorf("bit %d changes the data in silence", i)
		}
	}
}

// lzop is the oracle: what it packs comes back.
func FuzzTool(f *testing.F) {
	rng := rand.New(rand.NewPCG(11, 12))
	for _, n := range []int{0, 1, 100, 20_000} {
		f.Add(sample(rng, n), false)
		f.Add(sample(rng, n), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, best bool) {
		args := []string{"-1"}
		if best {
			args = []string{"-9"}
		}
		if got, err := unpack(pack(t, data, args...)); err != nil || !bytes.Equal(got, data) {
			t.Errorf("got %d bytes and error %v, want %d bytes, or they differ", len(got), err, len(data))
		}
	})
}

// A block is unpacked to all of its bytes or is an error, and nothing is touched beyond.
func FuzzUnpack(f *testing.F) {
	z := pack(f, sample(rand.New(rand.NewPCG(13, 14)), 400))
	f.Add(z[50:], 400) // behind the header and the sizes of a block
	f.Add([]byte("\x11\x00\x00"), 0)
	f.Add([]byte("\x12a\x00\x11\x00\x00"), 1)
	f.Fuzz(func(t *testing.T, src []byte, n int) {
		n = min(max(n, 0), maxBlock)
		guarded := bytes.Repeat([]byte{0xa5}, n+64)
		err := Unpack(guarded[:n], src)
		if !bytes.Equal(guarded[n:], bytes.Repeat([]byte{0xa5}, 64)) {
			t.Error("wrote behind its room")
		}
		if err == nil && Unpack(make([]byte, n+1), src) == nil {
			t.Errorf("unpacks to %d bytes and to one more", n)
		}
	})
}
