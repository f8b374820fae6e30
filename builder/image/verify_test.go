package image

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// verified returns what Verify says of an image, one line for each sum and each damage.
func verified(t *testing.T, data []byte) ([]string, *Verification) {
	t.Helper()
	v, err := Verify(context.Background(), bytes.NewReader(data))
	if err != nil {
		return []string{"error: " + err.Error()}, nil
	}
	var lines []string
	for _, s := range v.Sums {
		line := s.Of + ": " + s.Kind
		if s.Damage != "" {
			line = "damaged " + line
		}
		lines = append(lines, line)
	}
	for _, d := range v.Damage {
		lines = append(lines, "damaged: "+d)
	}
	return lines, v
}

// TestVerifySums names every sum there is.
func TestVerifySums(t *testing.T) {
	summed := bytes.Replace(archive(t, "a=hello"), []byte("070701"), []byte("070702"), 1)
	copy(summed[110-8:], "00000214")
	for _, test := range []struct {
		name string
		data []byte
		want []string
	}{
		{"raw", archive(t, "a=hello"), []string{"segment 0, which is raw: "}},
		{"summed", summed, []string{"segment 0, which is raw: ", "contents of entries: sums in headers (070702), 1"}},
		{"gzip", pack(t, "gzip", archive(t, "a=hello")), []string{"segment 0: check of its gzip stream"}},
		{"lz4", pack(t, "lz4", archive(t, "a=hello")), []string{"segment 0, lz4: "}},
		{"uImage", uImage(archive(t, "a=hello")), []string{"its data: crc32 in the uImage", "segment 0, which is raw: "}},
	} {
		lines, v := verified(t, test.data)
		if diff := cmp.Diff(test.want, lines); diff != "" || v == nil || !v.Whole() {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// TestVerifyDamage flips every byte of an image of ours, one after the other. In a member, the
// sum of that member is named. Then it cuts the image everywhere in front of its last trailer.
func TestVerifyDamage(t *testing.T) {
	for _, codec := range []string{"gzip", "none"} {
		data := nested(t, codec)
		if lines, v := verified(t, data); v == nil || !v.Whole() {
			t.Fatalf("%s: got %q for a whole image", codec, lines)
		}
		names := make([]string, len(data)) // of members, by byte
		end := 0
		for i, m := range nestedMembers(t, codec) {
			at := bytes.Index(data, m)
			end = at + len(m)
			for j := at; j < end; j++ {
				names[j] = strings.TrimPrefix(bootplan.MemberName(i), bootplan.Dir+"/")
			}
		}
		for i, name := range names {
			data[i] ^= 1
			lines, v := verified(t, data)
			data[i] ^= 1
			if name != "" && (v == nil || v.Whole() || !strings.Contains(strings.Join(lines, "\n"), "damaged "+name+": SHA-256")) {
				t.Fatalf("%s: byte %d, of %s: got %q", codec, i, name, lines)
			}
		}
		for n := range end {
			if lines, v := verified(t, data[:n]); v != nil && v.Whole() {
				t.Fatalf("%s: cut at %d of %d bytes: got %q", codec, n, len(data), lines)
			}
		}
	}
}

// The sums of a uImage cover every byte.
func TestVerifyEnvelope(t *testing.T) {
	data := uImage(archive(t, "a=hello"))
	for i := range data {
		data[i] ^= 0x10
		if lines, v := verified(t, data); v != nil && v.Whole() {
			t.Errorf("byte %d: got %q", i, lines)
		}
		data[i] ^= 0x10
		if lines, v := verified(t, data[:i]); v != nil && v.Whole() {
			t.Errorf("cut at %d: got %q", i, lines)
		}
	}
}

// Damage in one member does not hide damage in another.
func TestVerifyTwo(t *testing.T) {
	data := nested(t, "gzip")
	for _, m := range nestedMembers(t, "gzip") {
		data[bytes.Index(data, m)+len(m)/2] ^= 1
	}
	lines, _ := verified(t, data)
	text := strings.Join(lines, "\n")
	for _, want := range []string{"damaged root.0000: SHA-256 in the boot plan", "damaged root.0001: SHA-256 in the boot plan", "damaged root.0001: CRC-32 in the boot plan"} {
		if !strings.Contains(text, want) {
			t.Errorf("got no %q in\n%s", want, text)
		}
	}
}

// A file that is no image cannot be verified.
func TestVerifyNot(t *testing.T) {
	for _, data := range []string{"", "hello, world", "\x00\x00\x00\x00", "#!/bin/sh\n"} {
		if v, err := Verify(context.Background(), bytes.NewReader([]byte(data))); err == nil {
			t.Errorf("%q: got %+v, want an error", data, v)
		}
	}
}
