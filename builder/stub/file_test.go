package stub

import (
	"context"
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

// TestFIFO holds that waiting for a stub from a FIFO ends with its context.
func TestFIFO(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Find(ctx, Variant{Arch: "amd64"}, Options{File: fifo}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
