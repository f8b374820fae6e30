package wrap

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/envelope"
)

// TestFileInterrupted ends the context. The file stays as it was, with nothing beside it.
func TestFileInterrupted(t *testing.T) {
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	dir := t.TempDir()
	path := filepath.Join(dir, "root.uimg")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	image := io.NewSectionReader(strings.NewReader("image"), 0, 5)
	if err := File(ctx, path, 0o666, &envelope.UImage{Arch: "arm64"}, image); !errors.Is(err, stop) {
		t.Errorf("got error %v, want %v", err, stop)
	}
	if got, err := os.ReadFile(path); string(got) != "old" || err != nil {
		t.Errorf("got %q, error %v, want what was there", got, err)
	}
	if names, err := os.ReadDir(dir); len(names) != 1 || err != nil {
		t.Errorf("got %v, error %v, want one file", names, err)
	}
}
