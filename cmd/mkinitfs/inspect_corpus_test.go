package main

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/difference"
	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/internal/corpus"
)

// TestInspectCorpus reads every image of the corpus as diff, verify and inspect do. They agree
// with list about what can be read, and no image differs from itself.
func TestInspectCorpus(t *testing.T) {
	fast := os.Getenv("MKINITFS_TEST_FAST") == "1" // takes some images only
	for _, c := range corpus.Cases() {
		for n, i := range c.Images {
			if fast && n%4 != 0 {
				continue
			}
			t.Run(c.Name+"/"+i.Name, func(t *testing.T) {
				data, err := i.Bytes()
				check(t, err)
				inspectBytes(t, data)
			})
		}
	}
}

func inspectBytes(t *testing.T, data []byte) {
	t.Helper()
	ctx := context.Background()
	listed, _, listErr := image.List(bytes.NewReader(data))
	a, err := difference.OfImage(ctx, "a", bytes.NewReader(data))
	if (err != nil) != (listErr != nil) {
		t.Errorf("list ends with %v, diff with %v", listErr, err)
	}
	if err == nil {
		b, err := difference.OfImage(ctx, "b", bytes.NewReader(data))
		check(t, err)
		r, err := difference.Of(ctx, a, b, nil)
		check(t, err)
		if !r.Same() || r.Counts.Same != len(listed) {
			t.Errorf("got %+v for one image, which has %d entries", r, len(listed))
		}
	}
	v, err := image.Verify(ctx, bytes.NewReader(data))
	if listErr != nil && err == nil && v.Whole() || listErr == nil && err != nil {
		t.Errorf("list ends with %v, verify with %v", listErr, err)
	}
	found, err := image.Inspect(ctx, bytes.NewReader(data))
	if (err != nil) != (listErr != nil) {
		t.Errorf("list ends with %v, inspect with %v", listErr, err)
	}
	entries := 0
	for _, n := range found.Types {
		entries += n
	}
	if err == nil && entries != len(listed) {
		t.Errorf("inspect counts %d entries, list has %d", entries, len(listed))
	}
}
