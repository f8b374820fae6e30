package main

import (
	"archive/zip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestGoModules builds programs of a module from a proxy on disk, and again without it from the
// module cache. Both images are the same.
func TestGoModules(t *testing.T) {
	testenv.Tool(t, "go")
	dir := t.TempDir()
	proxy := filepath.Join(dir, "proxy")
	addModule(t, proxy, "example.com/dep", "v1.0.0", map[string]string{
		"go.mod": "module example.com/dep\n\ngo 1.21\n", "dep.go": "package dep\n\nconst Name = \"dep\"\n",
	})
	addModule(t, proxy, "example.com/tools", "v1.2.3", map[string]string{
		"go.mod":            "module example.com/tools\n\ngo 1.24\n\nrequire example.com/dep v1.0.0\n",
		"cmd/one/main.go":   "package main\n\nimport \"example.com/dep\"\n\nfunc main() { println(dep.Name) }\n",
		"cmd/two/v2/two.go": "package main\n\nfunc main() {}\n",
		"lib/lib.go":        "package lib\n",
	})
	manifest := filepath.Join(dir, "go.yaml")
	writeFile(t, manifest, []byte(`version: 1
arch: amd64
vars: {lib: lib}
root: {type: none}
init: none
contents:
  - {type: go, src: [example.com/tools/cmd/one@v1.2.3, example.com/tools/cmd/two/v2@v1.2.3], dst: /bin/}
  - {type: go, src: "example.com/tools/${lib}", dst: /bin/lib, when: {lib: cmd/one}}
  - {type: go, src: example.com/tools/lib@v1.2.3, dst: /bin/lib, when: {lib: [other, missing]}}
  - {type: go, src: example.com/tools/cmd/one@v1.9.0, dst: /bin/new, when: {lib: missing}}
`))
	build := func(from, out string, args ...string) (string, error) {
		cmd := exec.Command(commandPath(t), append([]string{"build", manifest, "-o", filepath.Join(dir, out)}, args...)...)
		cmd.Env = append(os.Environ(), "GOPROXY="+from, "GOSUMDB=off", "GOMODCACHE="+filepath.Join(dir, "cache"), "GOFLAGS=", "GOPRIVATE=")
		text, err := cmd.CombinedOutput()
		return string(text), err
	}
	t.Cleanup(func() { // its directories cannot be written
		cmd := exec.Command("go", "clean", "-modcache")
		cmd.Env = append(os.Environ(), "GOMODCACHE="+filepath.Join(dir, "cache"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	if out, err := build("off", "none.img"); err == nil || !strings.Contains(out, "go.yaml:7:5: example.com/tools/cmd/one@v1.2.3: get ") {
		t.Errorf("without a proxy: got error %v, want one with its place:\n%s", err, out)
	}
	if out, err := build("file://"+proxy, "a.img"); err != nil {
		t.Fatalf("from the proxy: %v\n%s", err, out)
	}
	if out, err := build("off", "b.img"); err != nil {
		t.Fatalf("from the module cache: %v\n%s", err, out)
	}
	if a, b := readFile(t, filepath.Join(dir, "a.img")), readFile(t, filepath.Join(dir, "b.img")); a != b {
		t.Errorf("got two images of %d and %d bytes, want the same", len(a), len(b))
	}
	list, err := exec.Command(commandPath(t), "list", filepath.Join(dir, "a.img")).Output()
	if want := "/\n/bin\n/bin/one\n/bin/two\n/dev\n/dev/console\n/dev/null\n"; err != nil || string(list) != want {
		t.Errorf("got error %v and\n%s, want\n%s", err, list, want)
	}
	for lib, want := range map[string]string{
		"cmd/one": "a package of a module has its version behind it",
		"other":   "is not a main package",
		"missing": "go.yaml:10:5: example.com/tools/cmd/one@v1.9.0: get ",
	} {
		if out, err := build("file://"+proxy, "c.img", "-D", "lib="+lib); err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: got error %v, want %q:\n%s", lib, err, want, out)
		}
	}
}

// addModule puts a version of a module into a directory that GOPROXY can name
// (https://go.dev/ref/mod#goproxy-protocol).
func addModule(t *testing.T, proxy, path, version string, files map[string]string) {
	t.Helper()
	dir := filepath.Join(proxy, path, "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "list"), []byte(version+"\n"))
	writeFile(t, filepath.Join(dir, version+".info"), []byte(`{"Version": "`+version+`"}`))
	writeFile(t, filepath.Join(dir, version+".mod"), []byte(files["go.mod"]))
	f, err := os.Create(filepath.Join(dir, version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	archive := zip.NewWriter(f)
	for name, text := range files {
		w, err := archive.Create(path + "@" + version + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
}
