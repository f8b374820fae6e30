package cpio

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// small is an archive of one file: its header begins at 0, its name at 110, its
// body at 112, padding at 117, the trailer at 120.
func small(t testing.TB) string {
	return string(archive(t, []entry{{Header{Name: "a", Mode: TypeFile | 0o644, Nlink: 1, Size: 5}, "hello"}}))
}

// at returns s with other bytes at offset.
func at(s string, offset int, bytes string) string {
	return s[:offset] + bytes + s[offset+len(bytes):]
}

func TestReaderFaults(t *testing.T) {
	const nameSize, size = 6 + 11*8, 6 + 6*8 // offsets of fields
	for _, tt := range []struct {
		name    string
		archive func(s string) string
		offset  int64
		want    string
	}{
		{"empty", func(s string) string { return "" }, 0, "unexpected end of archive"},
		{"cut in header", func(s string) string { return s[:109] }, 0, "unexpected end of archive"},
		{"cut in name", func(s string) string { return s[:111] }, 110, "unexpected end of archive"},
		{"cut in body", func(s string) string { return s[:115] }, 115, "unexpected end of archive"},
		{"cut in padding", func(s string) string { return s[:118] }, 118, "unexpected end of archive"},
		{"no trailer", func(s string) string { return s[:120] }, 120, "unexpected end of archive"},
		{"cut in trailer", func(s string) string { return s[:240] }, 230, "unexpected end of archive"},
		{"magic", func(s string) string { return at(s, 0, "070707") }, 0, "bad magic"},
		{"second magic", func(s string) string { return at(s, 120, "070703") }, 120, "bad magic"},
		{"zeros", func(s string) string { return strings.Repeat("\x00", 200) }, 0, "bad magic"},
		{"sign", func(s string) string { return at(s, 6, "+") }, 0, "bad hexadecimal digit in header"},
		{"space", func(s string) string { return at(s, 6, " ") }, 0, "bad hexadecimal digit in header"},
		{"prefix", func(s string) string { return at(s, 6, "0x") }, 0, "bad hexadecimal digit in header"},
		{"letter", func(s string) string { return at(s, 13, "g") }, 0, "bad hexadecimal digit in header"},
		{"digit of the unused sum", func(s string) string { return at(s, 109, "/") }, 0, "bad hexadecimal digit in header"},
		{"no name", func(s string) string { return at(s, nameSize, "00000000") }, 0, "name size out of range"},
		{"long name", func(s string) string { return at(s, nameSize, "00001001") }, 0, "name size out of range"},
		{"huge name", func(s string) string { return at(s, nameSize, "FFFFFFFF") }, 0, "name size out of range"},
		{"name without NUL", func(s string) string { return at(s, 111, "b") }, 110, "name does not end with its first NUL"},
		{"name with two NULs", func(s string) string { return at(s, 110, "\x00") }, 110, "name does not end with its first NUL"},
		{"size too large", func(s string) string { return at(s, size, "FFFFFFFF") }, 244, "unexpected end of archive"},
		{"size too small", func(s string) string { return at(s, size, "00000001") }, 116, "bad magic"},
		{"trailer with a body", func(s string) string { return at(s, 120+size, "00000001") }, 241, "trailer with a body"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := tt.archive(small(t))
			r := NewReader(strings.NewReader(data))
			var err error
			for err == nil { // bodies are skipped
				_, err = r.Next()
			}
			fault(t, err, tt.offset, tt.want)
			_, err = r.Next() // must return the same error
			fault(t, err, tt.offset, tt.want)

			// Reading the bodies must give the same error. If a body is cut short, Read may not
			// have returned its last bytes.
			_, err = entries(NewReader(strings.NewReader(data)))
			if e, ok := errors.AsType[*Error](err); !ok || e.Msg != tt.want || e.Offset > tt.offset {
				t.Errorf("with bodies: got error %v, want %q at offset %d or before", err, tt.want, tt.offset)
			}
		})
	}
}

// TestReaderTruncated cuts an archive at every byte and wants an error. Only the padding behind
// the trailer may be missing, because some writers leave it out.
func TestReaderTruncated(t *testing.T) {
	whole := small(t)
	for n := range len(whole) + 1 {
		_, err := entries(NewReader(strings.NewReader(whole[:n])))
		if n >= len(whole)-3 {
			if err != nil {
				t.Errorf("%d of %d bytes: got error %v", n, len(whole), err)
			}
			continue
		}
		if e, ok := errors.AsType[*Error](err); !ok || e.Offset > int64(n) {
			t.Errorf("%d of %d bytes: got error %v, want an Error at an offset up to there", n, len(whole), err)
		}
	}
}

// TestReaderHex checks that digits are read in upper and lower case.
func TestReaderHex(t *testing.T) {
	for i, field := range []func(*Header) any{
		func(h *Header) any { return h.Ino }, func(h *Header) any { return h.Mode }, func(h *Header) any { return h.UID },
		func(h *Header) any { return h.GID }, func(h *Header) any { return h.Nlink }, func(h *Header) any { return h.MTime },
	} {
		data := at(small(t), 6+8*i, "89aBCdeF")
		h, err := NewReader(strings.NewReader(data)).Next()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(field(h)), fmt.Sprint(uint32(0x89abcdef)); got != want {
			t.Errorf("field %d: got %s, want %s", i, got, want)
		}
	}
}

// TestReaderStops checks that a source with a large enough buffer stands right behind the
// archive.
func TestReaderStops(t *testing.T) {
	data := small(t)
	r := bufio.NewReader(strings.NewReader(data + data[:len(data)-3] + "rest"))
	r = bufio.NewReaderSize(r, 2*PathMax)
	for i, want := range []int64{int64(len(data)), int64(len(data) - 3)} {
		a := NewReader(r)
		if _, err := entries(a); err != nil {
			t.Fatalf("archive %d: %v", i, err)
		}
		if got := a.Offset(); got != want {
			t.Errorf("archive %d: got offset %d, want %d", i, got, want)
		}
		if _, err := a.Next(); err != io.EOF {
			t.Errorf("archive %d: Next after the trailer: got %v, want EOF", i, err)
		}
	}
	rest, err := io.ReadAll(r)
	if got, want := string(rest), "rest"; got != want || err != nil {
		t.Errorf("behind the archives: got %q, %v, want %q", got, err, want)
	}
}

func TestReaderSources(t *testing.T) {
	data := archive(t, samples())
	for name, in := range map[string]io.Reader{
		"one byte at a time": iotest.OneByteReader(bytes.NewReader(data)),
		"data with EOF":      iotest.DataErrReader(bytes.NewReader(data)),
		"small buffer":       bufio.NewReaderSize(bytes.NewReader(data), 16),
		"least buffer":       bufio.NewReaderSize(bytes.NewReader(data), 2*PathMax),
	} {
		got, err := entries(NewReader(in))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(samples(), got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

// TestReaderSourceError checks that an error of the source is returned unchanged, and not as
// the end.
func TestReaderSourceError(t *testing.T) {
	broken := errors.New("broken pipe")
	data := small(t)
	for _, n := range []int{0, 50, 111, 114, 118, 120, 200} {
		in := io.MultiReader(strings.NewReader(data[:n]), iotest.ErrReader(broken))
		if _, err := entries(NewReader(in)); err != broken {
			t.Errorf("after %d bytes: got error %v, want %v", n, err, broken)
		}
	}
}

func TestReaderBody(t *testing.T) {
	body := strings.Repeat("0123456789", 20_000) // more than the buffer
	data := archive(t, []entry{
		{Header{Name: "a", Mode: TypeFile, Size: int64(len(body))}, body},
		{Header{Name: "b", Mode: TypeFile, Size: 1}, "b"},
	})
	next := func() *Reader {
		t.Helper()
		r := NewReader(bytes.NewReader(data))
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if err := iotest.TestReader(struct{ io.Reader }{next()}, []byte(body)); err != nil {
		t.Errorf("Read: %v", err)
	}

	r := next() // some by Read, some by WriteTo, the rest skipped
	var got strings.Builder
	if _, err := io.CopyN(&got, struct{ io.Reader }{r}, 7); err != nil {
		t.Fatal(err)
	}
	full := limited(70_000)
	n, err := r.WriteTo(io.MultiWriter(&full, &got))
	if err != errFull {
		t.Errorf("WriteTo: got error %v, want that of the writer", err)
	}
	if n != 70_000 {
		t.Errorf("WriteTo: got %d bytes written, want %d, all that fit", n, 70_000)
	}
	if !strings.HasPrefix(body, got.String()) {
		t.Errorf("WriteTo: what it wrote, %d bytes, differs from the body", got.Len())
	}
	h, err := r.Next()
	if err != nil || h.Name != "b" {
		t.Errorf("the entry after: got %v, %v", h, err)
	}
}

// TestReaderSum checks that archives with sums are read, and that the sums are ignored.
func TestReaderSum(t *testing.T) {
	data := at(at(small(t), 0, "070702"), 102, "00000214")
	got, err := entries(NewReader(strings.NewReader(data)))
	if err != nil || len(got) != 1 || got[0].Body != "hello" {
		t.Errorf("got %v, %v", got, err)
	}
}
