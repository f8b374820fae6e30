package source

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/manifests"
)

func TestGo(t *testing.T) {
	dir := files(t, map[string]string{
		"go.mod":       "module example.com/prog\n\ngo 1.24\n",
		"hello/x.go":   "package main\n\nfunc main() { println(\"hello\") }\n",
		"broken/x.go":  "package main\n\nfunc main() { nothing() }\n",
		"hello/doc.md": "", "library/x.go": "package library\n",
	})
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	for _, g := range []manifests.Go{
		{Item: manifests.Item{Dst: "/bin"}, Programs: []manifests.Program{{Src: dir + "/hello"}}, DstDir: true, Links: []string{"/init"}},
		{Item: manifests.Item{Dst: "/bin/hello"}, Programs: []manifests.Program{{Src: dir + "/hello/x.go"}}, Links: []string{"/init"}},
	} {
		env := &Env{Clock: Clock{5, true}, Arch: "amd64"}
		entries, err := ask(t, env, &g)
		if err != nil {
			t.Fatal(err)
		}
		program, err := io.ReadAll(io.NewSectionReader(entries[0].Data.At, 0, entries[0].Size))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(program, []byte("\x7fELF")) || int64(len(program)) != entries[0].Size {
			t.Errorf("%s: got %d bytes that begin %.4q, want an ELF file of %d", g.Programs[0].Src, len(program), program, entries[0].Size)
		}
		entries[0].Size = 0
		compare(t, dir, entries, nil, "/bin/hello file 0755 mtime=5 \"\"\n/init hard /bin/hello\n")
		if err := env.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Chdir(filepath.Join(dir, "hello"))
	env := &Env{Arch: "amd64"}
	defer env.Close()
	here := &manifests.Go{Item: manifests.Item{Dst: "/bin"}, Programs: []manifests.Program{{Src: "."}}, DstDir: true}
	if entries, err := ask(t, env, here); err != nil || entries[0].Path != "/bin/hello" {
		t.Errorf("the current directory: got %v and error %v, want /bin/hello", entries, err)
	}
	_, err := ask(t, &Env{}, &manifests.Go{Item: manifests.Item{Dst: "/x", Pos: manifests.Pos{File: "m", Line: 1}}, Programs: []manifests.Program{{Src: dir + "/absent"}}})
	compare(t, dir, nil, err, "m:1: absent: no such file or directory\n")

	_, err = ask(t, &Env{}, &manifests.Go{Item: manifests.Item{Dst: "/x", Pos: manifests.Pos{File: "m", Line: 1}}, Programs: []manifests.Program{{Src: dir + "/broken"}}})
	if err == nil || !strings.Contains(err.Error(), "undefined: nothing") || !strings.HasPrefix(err.Error(), "m:1: ") {
		t.Errorf("got error %v, want the compiler's, at m:1", err)
	}
	_, err = ask(t, &Env{}, &manifests.Go{Item: manifests.Item{Dst: "/x", Pos: manifests.Pos{File: "m", Line: 1}}, Programs: []manifests.Program{{Src: dir + "/library"}}})
	compare(t, dir, nil, err, "m:1: library: is not a main package\n")

	t.Setenv("PATH", tmp)
	_, err = ask(t, &Env{}, &manifests.Go{Item: manifests.Item{Dst: "/x", Pos: manifests.Pos{File: "m", Line: 1}}, Programs: []manifests.Program{{Src: dir + "/broken"}}})
	compare(t, dir, nil, err, `
m:1: broken: build .: no go command found in PATH
  install Go from https://go.dev/dl, or build the program beforehand and take it with type: file
`)

	left, err := os.ReadDir(tmp)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("got %v left in the temporary directory, want nothing", left)
	}
}
