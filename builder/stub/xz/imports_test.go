package xz

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestImports holds what the decoder may cost a stub: other packages, even those
// for byte order and formatting, bring reflection with them.
func TestImports(t *testing.T) {
	allowed := []string{"errors", "hash/crc32", "io"}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d source files, error %v", len(files), err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range f.Imports {
			if got, err := strconv.Unquote(spec.Path.Value); err != nil || !slices.Contains(allowed, got) {
				t.Errorf("%s imports %s, want only %v", name, spec.Path.Value, allowed)
			}
		}
	}
}
