package source

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGo(t *testing.T) {
	dir := files(t, map[string]string{
		"go.mod":       "module example.com/prog\n\ngo 1.24\n",
		"hello/x.go":   "package main\n\nfunc main() { println(\"hello\") }\n",
		"broken/x.go":  "package main\n\nfunc main() { nothing() }\n",
		"hello/doc.md": "",
	})
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	for _, g := range []Go{
		{Item: Item{Dst: "/bin"}, Src: dir + "/hello", DstDir: true, Arch: "amd64", Links: []string{"/init"}},
		{Item: Item{Dst: "/bin/hello"}, Src: dir + "/hello/x.go", Arch: "amd64", Links: []string{"/init"}},
	} {
		entries, closer, err := g.Entries(t.Context(), Clock{5, true})
		if err != nil {
			t.Fatal(err)
		}
		program, err := io.ReadAll(io.NewSectionReader(entries[0].Data.At, 0, entries[0].Size))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(program, []byte("\x7fELF")) || int64(len(program)) != entries[0].Size {
			t.Errorf("%s: got %d bytes that begin %.4q, want an ELF file of %d", g.Src, len(program), program, entries[0].Size)
		}
		entries[0].Size = 0
		compare(t, dir, entries, nil, "/bin/hello file 0755 mtime=5 \"\"\n/init hard /bin/hello\n")
		if err := closer.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Chdir(filepath.Join(dir, "hello"))
	here := Go{Item: Item{Dst: "/bin"}, Src: ".", DstDir: true}
	if entries, _, err := here.Entries(t.Context(), Clock{}); err != nil || entries[0].Path != "/bin/hello" {
		t.Errorf("the current folder: got %v and error %v, want /bin/hello", entries, err)
	}
	_, _, err := Go{Item: Item{Dst: "/x", Origin: "m:1"}, Src: dir + "/absent"}.Entries(t.Context(), Clock{})
	compare(t, dir, nil, err, "m:1: absent: no such file or directory\n")

	_, _, err = Go{Item: Item{Dst: "/x", Origin: "m:1"}, Src: dir + "/broken"}.Entries(t.Context(), Clock{})
	if err == nil || !strings.Contains(err.Error(), "undefined: nothing") || !strings.HasPrefix(err.Error(), "m:1: ") {
		t.Errorf("got error %v, want the compiler's, at m:1", err)
	}
	t.Setenv("PATH", tmp)
	_, _, err = Go{Item: Item{Dst: "/x", Origin: "m:1"}, Src: dir + "/broken"}.Entries(t.Context(), Clock{})
	compare(t, dir, nil, err, `
m:1: broken: build .: no go command found in PATH
  install Go from https://go.dev/dl, or build the program beforehand and take it with type: file
`)

	left, err := os.ReadDir(tmp)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("got %v left in the temporary folder, want nothing", left)
	}
}
