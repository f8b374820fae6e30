package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// uImage returns a U-Boot image of type ramdisk.
func uImage(data []byte) []byte {
	h := append([]byte("\x27\x05\x19\x56"), make([]byte, 60)...)
	binary.BigEndian.PutUint32(h[12:], uint32(len(data)))
	binary.BigEndian.PutUint32(h[24:], crc32.ChecksumIEEE(data))
	h[28], h[30] = 5, 3 // Linux, ramdisk
	binary.BigEndian.PutUint32(h[4:], crc32.ChecksumIEEE(h))
	return append(h, data...)
}

// An image of ours is the same in an envelope, also where that does not begin the file.
func TestEnveloped(t *testing.T) {
	data := nested(t, "zstd")
	want, bare, err := List(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for name, before := range map[string]string{"at the start": "", "behind something": "something"} {
		r := bytes.NewReader(append([]byte(before), uImage(data)...))
		r.Seek(int64(len(before)), io.SeekStart)
		got, info, err := List(r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Entry{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if info.Envelope == nil || info.Envelope.Format != "uImage" || info.Size != bare.Size {
			t.Errorf("%s: got envelope %v, size %d, want a uImage, %d", name, info.Envelope, info.Size, bare.Size)
		}
		files, err := ReadFiles(r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var hosts bytes.Buffer
		if err := files.Copy(&hosts, "/etc/hosts"); err != nil || hosts.String() != "localhost\n" {
			t.Errorf("%s: got %q, error %v", name, &hosts, err)
		}
		in, _, err := Unwrap(r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if b, err := io.ReadAll(in); err != nil || !bytes.Equal(b, data) {
			t.Errorf("%s: got another ramdisk, error %v", name, err)
		}
	}
	if in, findings, err := Unwrap(bytes.NewReader(data)); in != nil || findings != nil || err != nil {
		t.Errorf("no envelope: got %v, %v, error %v", in, findings, err)
	}
}

// A wrong sum is an error behind all that was read, and none that hides another.
func TestEnvelopedDamage(t *testing.T) {
	data := uImage(archive(t, "a=content", "b=more"))
	data[bytes.Index(data, []byte("content"))] ^= 1
	entries, _, err := List(bytes.NewReader(data))
	if len(entries) != 2 || err == nil || !strings.HasPrefix(err.Error(), "damaged uImage: the crc32 of its data is ") {
		t.Errorf("got %d entries, error %v, want 2 and damage", len(entries), err)
	}
	stop := errors.New("stop")
	if _, err := Walk(bytes.NewReader(data), func(*Entry, io.Reader) error { return stop }); err != stop {
		t.Errorf("got %v, want the visitor's error", err)
	}
	cut := data[:len(data)-300]
	_, _, err = List(bytes.NewReader(cut))
	if err == nil || !strings.Contains(err.Error(), "damaged uImage: the file has") {
		t.Errorf("got %v, want what the file lacks", err)
	}
	if in, _, err := Unwrap(bytes.NewReader(data)); in == nil || err == nil {
		t.Errorf("got %v, error %v, want both", in, err)
	}
}
