package image

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// An image put together with cpio and the compressors of the system.
func TestTools(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"a": "first", "b": "second"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(dir, "b"), filepath.Join(dir, "c")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a", filepath.Join(dir, "l")); err != nil {
		t.Fatal(err)
	}
	tool := func(in []byte, name string, args ...string) []byte {
		t.Helper()
		cmd := exec.Command(testenv.Tool(t, name), args...)
		cmd.Dir = dir
		cmd.Stdin = bytes.NewReader(in)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %q: %v", name, args, err)
		}
		return out
	}
	list := []byte("a\nb\nc\nl\n")
	raw := tool(list, "cpio", "-o", "-H", "newc", "--quiet") // padded to 512
	sums := tool(list, "cpio", "-o", "-H", "crc", "--quiet") // magic 070702
	bsd := tool(list, "bsdcpio", "-o", "-H", "newc", "--quiet")
	data := join(t,
		raw,
		sums,
		tool(raw, "gzip"),
		bsd,
		tool(bsd, "zstd", "-19", "-c"),
		tool(raw, "xz", "--check=crc32"),
		tool(raw, "xz"),
		tool(raw, "lz4", "-l", "-c"),
		raw)

	got, info, err := walk(data)
	if err != nil {
		t.Fatal(err)
	}
	var codecs []string
	for _, s := range info.Segments {
		codecs = append(codecs, s.Codec)
	}
	want := []string{"none", "none", "gzip", "none", "zstd", "xz", "xz", "lz4", "none"}
	if diff := cmp.Diff(want, codecs); diff != "" {
		t.Errorf("codecs: -want +got\n%s", diff)
	}
	// Both write the content of a hard-linked file with its last name.
	want = []string{"a=first", "b", "c=second@b", "l=a"}
	for i := range info.Segments {
		for j, entry := range want {
			if len(got) != len(want)*len(info.Segments) {
				t.Fatalf("got %d entries, want %d", len(got), len(want)*len(info.Segments))
			}
			if _, line, _ := strings.Cut(got[i*len(want)+j], " "); line != entry {
				t.Errorf("segment %d: got %s, want %s", i, line, entry)
			}
		}
	}
}
