//go:build linux

package unpack

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// pieces hands out data in pieces of 0 to most bytes, all in the same memory, and
// ends with err.
type pieces struct {
	data []byte
	most int
	err  error
	buf  []byte
}

func (p *pieces) Next() ([]byte, error) {
	for i := range p.buf {
		p.buf[i] = '?' // the piece before is gone
	}
	if len(p.data) == 0 {
		return nil, p.err
	}
	n := min(rand.IntN(p.most+1), len(p.data))
	p.buf = bytes.Clone(p.data[:n])
	p.data = p.data[n:]
	return p.buf, nil
}

// However an archive is cut into pieces, the same entries come out of it.
func TestSource(t *testing.T) {
	entries := []entry{
		mine("empty", cpio.TypeFile|0o644, 1, ""),
		mine("small", cpio.TypeFile|0o644, 2, "text"),
		mine("large", cpio.TypeFile|0o644, 3, strings.Repeat("0123456789", 10_000)),
		mine("link", cpio.TypeLink|0o777, 4, strings.Repeat("t", cpio.PathMax-1)),
		mine(strings.Repeat("n", 250), cpio.TypeFile|0o644, 5, "long name"),
	}
	data, err := io.ReadAll(archive(t, entries...))
	if err != nil {
		t.Fatal(err)
	}
	for _, most := range []int{1, 7, 111, 5000, 64 << 10, 1 << 20} {
		src := NewSource(&pieces{data: append(bytes.Clone(data), "junk"...), most: most, err: io.EOF})
		in := cpio.NewReader(src)
		for _, want := range entries {
			h, err := in.Next()
			if err != nil {
				t.Fatalf("pieces of %d: %v", most, err)
			}
			var body strings.Builder
			if _, err := in.WriteTo(&body); err != nil {
				t.Fatalf("pieces of %d: %v", most, err)
			}
			if h.Name != want.Name || body.String() != want.body {
				t.Errorf("pieces of %d: got %.20q with %.20q, want %.20q with %.20q", most, h.Name, body.String(), want.Name, want.body)
			}
		}
		if _, err := in.Next(); err != io.EOF {
			t.Errorf("pieces of %d: got %v behind the last entry, want %v", most, err, io.EOF)
		}
		if got, want := in.Offset(), int64(len(data)); got != want {
			t.Errorf("pieces of %d: got an archive of %d bytes, want %d", most, got, want)
		}
		if got, err := src.Drain(); got != int64(len(data)+4) || err != nil {
			t.Errorf("pieces of %d: got %d bytes in all, %v, want %d", most, got, err, len(data)+4)
		}
	}
}

// Bodies are passed over and read as well as written, and an error comes through.
func TestSourceReadAndFail(t *testing.T) {
	data, err := io.ReadAll(archive(t, mine("one", cpio.TypeFile|0o644, 1, strings.Repeat("1", 50_000)), mine("two", cpio.TypeFile|0o644, 1, "2")))
	if err != nil {
		t.Fatal(err)
	}
	in := cpio.NewReader(NewSource(&pieces{data: data, most: 3000, err: io.EOF}))
	for range 2 { // Next passes over the body of the first
		if _, err := in.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if body, err := io.ReadAll(in); string(body) != "2" || err != nil {
		t.Errorf("got %q, %v, want %q", body, err, "2")
	}
	damage := errors.New("damage")
	src := NewSource(&pieces{data: data[:30_000], most: 3000, err: damage})
	in = cpio.NewReader(src)
	if _, err := in.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := in.WriteTo(io.Discard); err != damage {
		t.Errorf("got error %v, want %v", err, damage)
	}
	if _, err := src.Drain(); err != damage {
		t.Errorf("drain: got error %v, want %v", err, damage)
	}
}
