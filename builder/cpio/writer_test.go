package cpio

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestWriterRefuses(t *testing.T) {
	const first = 112 // offset behind the entry that comes first
	for _, tt := range []struct {
		h    Header
		want string
	}{
		{Header{Name: "", Mode: TypeFile}, "empty name"},
		{Header{Name: Trailer, Mode: TypeFile}, "the name TRAILER!!! would end the archive"},
		{Header{Name: strings.Repeat("n", PathMax), Mode: TypeFile}, "name of 4096 bytes or more"},
		{Header{Name: "a\x00b", Mode: TypeFile}, "NUL in name"},
		{Header{Name: "a", Mode: TypeFile, MTime: -1}, "mtime outside 1970-01-01 .. 2106-02-07"},
		{Header{Name: "a", Mode: TypeFile, MTime: MaxTime + 1}, "mtime outside 1970-01-01 .. 2106-02-07"},
		{Header{Name: "a", Mode: TypeFile, Size: -1}, "size of 4 GiB or more"},
		{Header{Name: "a", Mode: TypeFile, Size: MaxSize + 1}, "size of 4 GiB or more"},
		{Header{Name: "a", Mode: TypeLink}, "empty link target"},
		{Header{Name: "a", Mode: TypeLink, Size: PathMax}, "link target of 4096 bytes or more"},
		{Header{Name: "a", Mode: 0o644}, "unknown file type"},
		{Header{Name: "a", Mode: TypeMask | 0o644}, "unknown file type"},
		{Header{Name: "a", Mode: TypeDir, Size: 1}, "only files and symbolic links have a body"},
		{Header{Name: "a", Mode: TypeChar, Size: 1}, "only files and symbolic links have a body"},
		{Header{Name: "a", Mode: TypeBlock, Size: 1}, "only files and symbolic links have a body"},
		{Header{Name: "a", Mode: TypeFIFO, Size: 1}, "only files and symbolic links have a body"},
		{Header{Name: "a", Mode: TypeSocket, Size: 1}, "only files and symbolic links have a body"},
	} {
		t.Run(tt.want, func(t *testing.T) {
			var b bytes.Buffer
			w := NewWriter(&b)
			if err := w.WriteHeader(&Header{Name: ".", Mode: TypeDir}); err != nil {
				t.Fatal(err)
			}
			fault(t, w.WriteHeader(&tt.h), first, tt.want)
			if got := b.Len(); got != first {
				t.Errorf("length: got %d, want %d as before the refusal", got, first)
			}
			// The refused entry leaves no trace in the archive.
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			got, err := entries(NewReader(&b))
			if err != nil || len(got) != 1 {
				t.Errorf("read back: got %d entries and error %v, want 1 entry", len(got), err)
			}
		})
	}
}

// fault checks that err is an [Error] at offset.
func fault(t *testing.T, err error, offset int64, msg string) {
	t.Helper()
	got, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got error %v, want an Error %q", err, msg)
	}
	if want := (Error{offset, msg}); *got != want {
		t.Errorf("got error %q, want %q", got, &want)
	}
}

func TestWriterBody(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	if err := w.WriteHeader(&Header{Name: "a", Mode: TypeFile, Size: 5}); err != nil {
		t.Fatal(err)
	}
	if n, err := io.WriteString(w, "abc"); n != 3 || err != nil {
		t.Fatalf("write: got %d, %v", n, err)
	}
	_, err := io.WriteString(w, "def")
	fault(t, err, 115, "body longer than its size")
	fault(t, w.WriteHeader(&Header{Name: "b", Mode: TypeFile}), 115, "the body of the entry before is incomplete")
	fault(t, w.Close(), 115, "the body of the last entry is incomplete")

	if _, err := io.WriteString(w, "de"); err != nil {
		t.Fatal(err)
	}
	if got, want := w.Offset(), int64(120); got != want {
		t.Errorf("offset behind the padding: got %d, want %d", got, want)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"WriteHeader": w.WriteHeader(&Header{Name: "b", Mode: TypeFile}),
		"Close":       w.Close(),
	} {
		if err != errClosed {
			t.Errorf("%s after Close: got error %v, want %v", name, err, errClosed)
		}
	}
}

// TestWriterLimits checks that the largest values pass and larger ones are refused.
func TestWriterLimits(t *testing.T) {
	w := NewWriter(io.Discard)
	if err := w.WriteHeader(&Header{Name: strings.Repeat("n", PathMax-1), Mode: TypeFile, Size: MaxSize, MTime: MaxTime}); err != nil {
		t.Error(err)
	}
}

// limited takes so many bytes and then fails.
type limited int

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), int(*l))
	*l -= limited(n)
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

var errFull = errors.New("disk full")

// TestWriterError checks that every later call returns the error of the underlying writer, so
// the caller sees the cause whichever call it checks.
func TestWriterError(t *testing.T) {
	whole := archive(t, []entry{{Header{Name: "a", Mode: TypeFile, Size: 5}, "hello"}})
	for limit := range len(whole) {
		out := limited(limit)
		w := NewWriter(&out)
		var errs []error
		errs = append(errs, w.WriteHeader(&Header{Name: "a", Mode: TypeFile, Size: 5}))
		_, err := io.WriteString(w, "hello")
		errs = append(errs, err, w.Close(), w.Close(), w.WriteHeader(&Header{Name: "b", Mode: TypeFile}))
		failed := false
		for i, err := range errs {
			failed = failed || err != nil
			if failed && err != errFull {
				t.Errorf("room for %d bytes, call %d: got error %v, want %v", limit, i, err, errFull)
			}
		}
		if !failed {
			t.Errorf("room for %d of %d bytes: no call failed", limit, len(whole))
		}
		if got := w.Offset(); got != int64(limit) {
			t.Errorf("room for %d bytes: got offset %d", limit, got)
		}
	}
}

// TestReadFrom checks that ReadFrom reads exactly the size in the header. A shorter source is
// an error, and the rest of a longer one is left unread.
func TestReadFrom(t *testing.T) {
	for _, test := range []struct {
		text string
		want error
	}{{"short", io.ErrUnexpectedEOF}, {"six by", nil}, {"rather long", nil}} {
		var out bytes.Buffer
		w := NewWriter(&out)
		if err := w.WriteHeader(&Header{Name: "x", Mode: TypeFile | 0o644, Nlink: 1, Size: 6}); err != nil {
			t.Fatal(err)
		}
		in := strings.NewReader(test.text)
		if _, err := io.Copy(w, struct{ io.Reader }{in}); err != test.want {
			t.Errorf("%q: got error %v, want %v", test.text, err, test.want)
		}
		if test.want != nil {
			continue
		}
		if left := in.Len(); left != len(test.text)-6 {
			t.Errorf("%q: got %d bytes left, want %d", test.text, left, len(test.text)-6)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		r := NewReader(&out)
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(r); err != nil || string(body) != test.text[:6] {
			t.Errorf("%q: got body %q, error %v", test.text, body, err)
		}
	}
}

// NULs behind a name move the body.
func TestWriteAligned(t *testing.T) {
	for n := range 20 {
		var b bytes.Buffer
		w := NewWriter(&b)
		name := strings.Repeat("n", n+1)
		if err := w.WriteAligned(&Header{Name: name, Mode: TypeFile, Size: 4}, 16); err != nil {
			t.Fatal(err)
		}
		w.Write([]byte("body"))
		w.Close()
		if at := bytes.Index(b.Bytes(), []byte("body")); at%16 != 0 || at >= 110+len(name)+1+16 {
			t.Errorf("name of %d bytes: body at %d, want the next multiple of 16", len(name), at)
		}
	}
}
