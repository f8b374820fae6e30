package cpio

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seeds returns archives of the samples, one by one and together, and damaged copies of them.
func seeds(t testing.TB) [][]byte {
	all := [][]byte{archive(t, nil), archive(t, samples())}
	for _, e := range samples() {
		if len(e.Body) > 1<<16 {
			continue
		}
		data := archive(t, []entry{e})
		all = append(all, data, data[:len(data)/2], data[2:], append(data, data...), bytes.ToLower(data))
	}
	return all
}

// FuzzReader checks that the reader reads all of an archive or returns an error with an offset.
// The writer must reproduce each entry that was read, unless the writer refuses it because the
// kernel would drop it.
func FuzzReader(f *testing.F) {
	list := seeds(f)
	if len(list) < 2 {
		f.Fatal("no seeds")
	}
	for _, data := range list {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkAllocation(t, data)
		in := NewReader(bytes.NewReader(data))
		got, err := entries(in)
		if in.Offset() > int64(len(data)) {
			t.Errorf("offset %d of %d", in.Offset(), len(data))
		}
		if err != nil {
			if e, ok := errors.AsType[*Error](err); !ok || e.Offset < 0 || e.Offset > int64(len(data)) {
				t.Fatalf("got error %v, want an Error at an offset up to %d", err, len(data))
			}
			return
		}
		var b bytes.Buffer
		w := NewWriter(&b)
		for _, e := range got {
			if e.Size != int64(len(e.Body)) {
				t.Fatalf("%q: got a body of %d bytes, want %d", e.Name, len(e.Body), e.Size)
			}
			err := w.WriteHeader(&e.Header)
			if err != nil && (e.Name == "" || !kernelTakes(&e.Header)) {
				return
			}
			if err != nil {
				t.Fatalf("write %q again: %v", e.Name, err)
			}
			if _, err := io.WriteString(w, e.Body); err != nil {
				t.Fatalf("write %q again: %v", e.Name, err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := entries(NewReader(&b))
		if err != nil {
			t.Fatalf("read again: %v", err)
		}
		if diff := cmp.Diff(got, again); diff != "" {
			t.Errorf("-first +again\n%s", diff)
		}
	})
}

// kernelTakes reports whether the kernel creates a file for the mode and the size of the body.
func kernelTakes(h *Header) bool {
	switch h.Mode & TypeMask {
	case TypeFile:
		return true
	case TypeLink:
		return 0 < h.Size && h.Size < PathMax
	case TypeDir, TypeChar, TypeBlock, TypeFIFO, TypeSocket:
		return h.Size == 0
	}
	return false
}

// checkAllocation reads an archive without keeping anything. It may allocate the buffer and
// names no longer than the archive, whatever sizes the archive claims.
func checkAllocation(t *testing.T, data []byte) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := NewReader(bytes.NewReader(data))
	for {
		if _, err := r.Next(); err != nil {
			break
		}
		if _, err := r.WriteTo(io.Discard); err != nil {
			break
		}
	}
	runtime.ReadMemStats(&after)
	if got, want := after.TotalAlloc-before.TotalAlloc, uint64(2*bufferSize+2*len(data)); got > want {
		t.Errorf("reading %d bytes allocated %d, want %d at most", len(data), got, want)
	}
}
