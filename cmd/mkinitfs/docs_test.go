package main

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/manifests"
)

// TestExamples checks every manifest under examples.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(repository(t), "examples/*/*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d examples, error %v", len(files), err)
	}
	// What the examples take from their user.
	program := filepath.Join(t.TempDir(), "program")
	writeFile(t, program, []byte(elf.ELFMAG))
	flags := map[string][]string{
		"debian-runc.yaml":   {"-D", "rootfs=" + tinyDebian(t)},
		"selinux.yaml":       {"-D", "rootfs=" + tinyDebian(t)},
		"router-mipsel.yaml": {"-D", "busybox=" + program},
	}
	for _, file := range files {
		base := filepath.Base(file)
		t.Run(base, func(t *testing.T) {
			out, err := exec.Command(commandPath(t), append([]string{"check", file}, flags[base]...)...).CombinedOutput()
			if err != nil || strings.Contains(string(out), "warning") {
				t.Errorf("got error %v, want none and no warnings:\n%s", err, out)
			}
		})
	}
}

// TestRouterAlone wants the example to say how it gets what it lacks.
func TestRouterAlone(t *testing.T) {
	t.Setenv("BUSYBOX", "")
	out, err := exec.Command(commandPath(t), "check", filepath.Join(repository(t), "examples/router-mipsel/router-mipsel.yaml")).CombinedOutput()
	const want = ":7:12: variable BUSYBOX: make fetches Debian's, -D busybox=FILE gives another static one\n"
	if err == nil || !strings.HasSuffix(string(out), want) {
		t.Errorf("got error %v, want one that ends in %q:\n%s", err, want, out)
	}
}

// tinyDebian is an archive that has the paths of a Debian root which the examples
// speak of.
func tinyDebian(t *testing.T) string {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, h := range []tar.Header{
		{Name: "./usr/bin/busybox", Typeflag: tar.TypeReg, Mode: 0o755},
		{Name: "./usr/bin/sh", Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(elf.ELFMAG))},
		{Name: "./etc/selinux/default/policy/policy.33", Typeflag: tar.TypeReg, Mode: 0o644},
		{Name: "./etc/selinux/default/contexts/files/file_contexts", Typeflag: tar.TypeReg, Mode: 0o644},
		{Name: "./bin", Typeflag: tar.TypeSymlink, Linkname: "usr/bin", Mode: 0o777},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(elf.ELFMAG)[:h.Size]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rootfs.tar")
	writeFile(t, file, archive.Bytes())
	return file
}

// documents returns README.md and all of docs.
func documents(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repository(t), "docs/*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d documents, error %v", len(files), err)
	}
	return append(files, filepath.Join(repository(t), "README.md"))
}

// TestDocumentedManifests decodes the manifests in all documents.
func TestDocumentedManifests(t *testing.T) {
	found := 0
	for _, file := range documents(t) {
		for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(readFile(t, file), -1) {
			if !strings.HasPrefix(block[1], "version: 1\n") {
				continue
			}
			found++
			if _, err := manifests.Parse([]byte(block[1]), manifests.Options{File: filepath.Base(file)}); err != nil {
				t.Errorf("%v\nin\n%s", err, block[1])
			}
		}
	}
	if found == 0 {
		t.Error("got no manifests, want some")
	}
}

// TestReadmeManifestChecks checks the README's own manifest with a root that has next
// to nothing in it.
func TestReadmeManifestChecks(t *testing.T) {
	readme := readFile(t, filepath.Join(repository(t), "README.md"))
	block := regexp.MustCompile("(?ms)^## Manifest\n\n```yaml\n(.*?)^```$").FindSubmatch([]byte(readme))
	if block == nil {
		t.Fatal("got no manifest, want one")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"router.yaml":         string(block[1]),
		"out/rootfs/etc/motd": "router\n",
		"overlay.tar.xz":      strings.Repeat("\x00", 1024), // an empty archive
		"busybox":             elf.ELFMAG,
		"go.mod":              "module router\n",
		"cmd/agent/main.go":   "package main\n\nfunc main() {}\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, file, []byte(text))
	}
	// For this machine: compiling for another one takes long.
	cmd := exec.Command(commandPath(t), "check", "router.yaml", "--arch", runtime.GOARCH)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("got error %v, want none:\n%s", err, out)
	}
}

// TestReadmeCommands runs those commands of the README that build with nothing but
// the repository and Go.
func TestReadmeCommands(t *testing.T) {
	readme := readFile(t, filepath.Join(repository(t), "README.md"))
	commands := regexp.MustCompile(`(?m)^\$ (go run \./cmd/mkinitfs build \S+ -o )\S+$`).FindAllStringSubmatch(readme, -1)
	if len(commands) == 0 {
		t.Fatal("got no commands, want some")
	}
	for _, command := range commands {
		img := filepath.Join(t.TempDir(), "readme.img")
		words := append(strings.Fields(command[1]), img)
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Dir = repository(t)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", command[0], err, out)
			continue
		}
		if len(listed(t, img)) == 0 {
			t.Errorf("%s: got an empty root", command[0])
		}
	}
}
