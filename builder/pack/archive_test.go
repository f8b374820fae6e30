package pack

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/layout"
	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// TestStopsWithinAFile checks that a cancelled build stops, even inside a file.
func TestStopsWithinAFile(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	endless := &zeros{then: cancel}
	entry := &plan.Entry{Path: "/large", Mode: plan.TypeFile | 0o644, Nlink: 1, Size: cpio.MaxSize, Data: plan.Data{At: endless}}
	err := writeArchive(ctx, io.Discard, []layout.Item{{Name: "large", Entry: entry}}, nil)
	if !errors.Is(err, context.Canceled) || endless.read > 4<<20 {
		t.Errorf("got error %v after %d bytes, want %v soon", err, endless.read, context.Canceled)
	}
}

// zeros is a file of zeros that calls then when it is read.
type zeros struct {
	then func()
	read int64
}

func (z *zeros) ReadAt(p []byte, _ int64) (int, error) {
	z.then()
	clear(p)
	z.read += int64(len(p))
	return len(p), nil
}

// TestArchiveNumbers checks that an archive depends on its items alone: files are numbered by
// their position.
func TestArchiveNumbers(t *testing.T) {
	written := func(ino uint32) []byte {
		first := &plan.Entry{Path: "/a", Mode: plan.TypeFile | 0o644, Ino: ino, Nlink: 2, Size: 1, Data: plan.Data{At: strings.NewReader("x")}}
		second := &plan.Entry{Path: "/b", Mode: plan.TypeFile | 0o644, Ino: ino, Nlink: 2, Size: 1, First: first}
		var out bytes.Buffer
		items := []layout.Item{{Name: "a", Entry: first, Empty: true}, {Name: "b", Entry: second}}
		if err := writeArchive(t.Context(), &out, items, nil); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	if !bytes.Equal(written(7), written(8)) {
		t.Error("got other bytes for other numbers in the plan")
	}
	r := cpio.NewReader(bytes.NewReader(written(7)))
	for _, want := range []struct {
		name string
		size int64
	}{{"a", 0}, {"b", 1}} {
		h, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if h.Name != want.name || h.Ino != 1 || h.Size != want.size {
			t.Errorf("got %s with number %d and %d bytes, want %s with 1 and %d", h.Name, h.Ino, h.Size, want.name, want.size)
		}
	}
}
