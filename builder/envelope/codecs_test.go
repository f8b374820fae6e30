package envelope_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/envelope"
	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/compress"
)

// packed returns an archive with one small file, packed with a codec.
func packed(t *testing.T, codec string) []byte {
	t.Helper()
	var raw, b bytes.Buffer
	w := cpio.NewWriter(&raw)
	if err := w.WriteHeader(&cpio.Header{Name: "a", Mode: cpio.TypeFile | 0o644, Nlink: 1, Size: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("1")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := compress.Lookup(codec)
	if err != nil {
		t.Fatal(err)
	}
	z, err := c.NewWriter(&b, compress.Options{Size: int64(raw.Len()), Level: min(1, c.MaxLevel)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(raw.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func walk(data []byte) error {
	_, err := image.Walk(bytes.NewReader(data), func(_ *image.Entry, body io.Reader) error {
		_, err := io.Copy(io.Discard, body)
		return err
	})
	return err
}

// TestCodecs cuts and changes images of each codec in each envelope. A cut image is an error. A
// changed byte is an error where a sum covers it. Nothing may panic.
func TestCodecs(t *testing.T) {
	for _, codec := range compress.Names() {
		t.Run(codec, func(t *testing.T) {
			t.Parallel()
			for kind, data := range envelope.Around(packed(t, codec)) {
				if err := walk(data); err != nil {
					t.Errorf("%s: %v", kind, err)
				}
				for i := range data {
					if walk(data[:i]) == nil {
						t.Errorf("%s, %d bytes of %d: got no error", kind, i, len(data))
					}
					mutated := bytes.Clone(data)
					mutated[i] ^= 0x11
					if err := walk(mutated); err == nil && (kind == "uImage" || kind == "multi") {
						t.Errorf("%s, byte %#x changed: got no error", kind, i)
					}
				}
			}
		})
	}
}
