package layering

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStoryIsShort keeps builder to what its name says: the order of the stages. A stage that
// grows belongs in a package of its own.
func TestStoryIsShort(t *testing.T) {
	const most = 900 // lines without tests
	files, err := filepath.Glob("../../builder/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d files, error %v", len(files), err)
	}
	lines := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines += bytes.Count(text, []byte("\n"))
	}
	if lines > most {
		t.Errorf("package builder: got %d lines, want %d at most", lines, most)
	}
}
