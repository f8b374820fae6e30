package image

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/compress"
)

// What cannot be packed is charged to its file, and not to what lies beside it in the
// same stream, to within a block of the codec.
func TestSpent(t *testing.T) {
	const size = 512 << 10
	random := make([]byte, size)
	for i, rng := 0, rand.New(rand.NewPCG(1, 1)); i < size; i++ {
		random[i] = byte(rng.Uint32())
	}
	zeros := strings.Repeat("\x00", size)
	root := archive(t, "usr/", "usr/a="+zeros, "usr/b="+string(random), "usr/c="+zeros, "usr/d@3")
	for _, codec := range compress.Names() {
		packed := pack(t, codec, root)
		slack := int64(size / 2)
		if codec == "lz4" {
			slack = size // it is one block
		}
		for _, tt := range []struct {
			name  string
			image []byte
			boot  bool
		}{
			{"segment", join(t, packed), false},
			{"member", join(t, archive(t, append([]string{planFor(t, packed), "init=" + string(random[:4096])}, payloadOf(packed)...)...)), true},
			{"member in a packed segment", join(t, pack(t, "gzip", archive(t, append([]string{planFor(t, packed), "init=" + string(random[:4096])}, payloadOf(packed)...)...))), true},
		} {
			t.Run(codec+" "+tt.name, func(t *testing.T) {
				use, err := Spent(bytes.NewReader(tt.image))
				if err != nil {
					t.Fatal(err)
				}
				if use.Size != int64(len(tt.image)) {
					t.Errorf("got %d bytes, want %d", use.Size, len(tt.image))
				}
				if got := use.Boot > 0; got != tt.boot {
					t.Errorf("got %d bytes for the boot, want some: %v", use.Boot, tt.boot)
				}
				want := map[string][2]int64{ // size, packed
					"/usr": {}, "/usr/a": {size, 0}, "/usr/b": {size, size}, "/usr/c": {size, 0}, "/usr/d": {},
				}
				if codec == "none" && !strings.Contains(tt.name, "packed") {
					want["/usr/a"], want["/usr/c"] = want["/usr/b"], want["/usr/b"]
				}
				sum := use.Boot
				for _, s := range use.Root {
					w := want[s.Path]
					if s.Size != w[0] || s.Packed < w[1]-slack || s.Packed > w[1]+slack {
						t.Errorf("%s: got size %d, packed %d, want %d and %d or near it", s.Path, s.Size, s.Packed, w[0], w[1])
					}
					delete(want, s.Path)
					sum += s.Packed
				}
				for path := range want {
					t.Errorf("%s: got nothing", path)
				}
				if rest := use.Rest(); rest != use.Size-sum || rest < 0 || rest > 1024 {
					t.Errorf("got %d bytes that are neither the root's nor the boot's, want few", rest)
				}
			})
		}
	}
}

// Of entries for one path the last is there, and all take their place.
func TestSpentTwice(t *testing.T) {
	image := join(t, archive(t, "x="+strings.Repeat("a", 1000)), archive(t, "x=b"))
	use, err := Spent(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	if s := use.Root[0]; len(use.Root) != 1 || s.Size != 1 || s.Packed < 1001 {
		t.Errorf("got %+v, want one path of 1 byte that takes more than 1001", use.Root)
	}
}
