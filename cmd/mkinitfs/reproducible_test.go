package main

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mkinitfs/mkinitfs/builder"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestReproducible builds the same project twice. The names and times of the directories, the
// caches, umasks, locales, time zones and numbers of CPUs differ, and so do settings of Go
// that would change a program. The images must be the same.
func TestReproducible(t *testing.T) {
	const program = "  - {type: go, src: hello, dst: /sbin/init}"
	first, second := project(t, "a"), project(t, "quite another directory")
	later := time.Now().Add(-time.Hour)
	err := filepath.WalkDir(second, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(path, later, later)
	})
	if err != nil {
		t.Fatal(err)
	}
	// Go takes from its cache only what it finds to be the same.
	usual := append(goSettings(t), "PATH="+os.Getenv("PATH"), "HOME="+t.TempDir(), "TZ=UTC", "LC_ALL=C", "GOMAXPROCS=1",
		"XDG_CACHE_HOME="+t.TempDir())
	odd := append(goSettings(t), "PATH="+os.Getenv("PATH"), "HOME="+t.TempDir(), "TZ=Asia/Kathmandu", "LC_ALL=tr_TR.UTF-8", "GOMAXPROCS=2",
		"XDG_CACHE_HOME="+t.TempDir(), "TMPDIR="+t.TempDir(), "GOFLAGS=-ldflags=-X=main.text=changed", "GOAMD64=v3",
		"GOEXPERIMENT=arenas", "GOWORK=/nowhere/go.work", "CGO_ENABLED=1")
	for _, root := range []string{
		"{type: tmpfs, payload: zstd:1}", "{type: tmpfs, payload: gzip:1}", "{type: tmpfs, payload: none}", "{type: bind}", "{type: none}",
	} {
		t.Run(root, func(t *testing.T) {
			one := builtBy(t, usual, "umask 022", first, "root: "+root, program)
			two := builtBy(t, odd, "umask 077", second, "root: "+root, program)
			if one.SHA256 != two.SHA256 {
				t.Errorf("got sha256 %s and %s, want the same\nstubs: %+v and %+v\nsegments: %+v and %+v",
					one.SHA256, two.SHA256, one.Stub, two.Stub, one.Segments, two.Segments)
			}
			if n := len(one.Segments) + len(one.Members); n < 3 {
				t.Errorf("got %d segments and members, want several to bring into order", n)
			}
		})
	}
}

// TestReproducibleByOthers builds as root and as nobody.
func TestReproducibleByOthers(t *testing.T) {
	nobody := testenv.Tool(t, "setpriv") + " --reuid=65534 --regid=65534 --clear-groups "
	if os.Getuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	dir := project(t, "shared")
	for at := dir; at != filepath.Clean(os.TempDir()) && at != "/"; at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, filepath.Join(dir, "stub"), emptyProgram(elf.EM_X86_64))
	env := []string{"HOME=/nonexistent"}
	for _, root := range []string{"{type: tmpfs, payload: zstd:1}", "{type: bind}", "{type: none}"} {
		one := builtBy(t, env, "", dir, "root: "+root)
		two := builtBy(t, env, "set -- "+nobody+`"$@"`, dir, "root: "+root)
		if one.SHA256 != two.SHA256 {
			t.Errorf("%s: got sha256 %s by root and %s by nobody, want the same", root, one.SHA256, two.SHA256)
		}
	}
}

// project makes a directory with sources of an image: some 20 MiB of files, a tarball, a
// program. Only the times differ between two projects.
func project(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	for _, sub := range []string{"tree/etc", "tree/srv", "hello"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	random := rand.NewChaCha8([32]byte{3})
	data := make([]byte, 2<<20)
	for i := range 10 {
		random.Read(data)
		for i := range data {
			data[i] &= 0x3f // so that there is something to compress
		}
		writeFile(t, filepath.Join(dir, "tree/srv", fmt.Sprint("data", i)), data)
	}
	writeFile(t, filepath.Join(dir, "tree/etc/motd"), []byte("hello\n"))
	if err := os.Link(filepath.Join(dir, "tree/etc/motd"), filepath.Join(dir, "tree/etc/issue")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "hello/go.mod"), []byte("module example.com/hello\n\ngo 1.24\n"))
	writeFile(t, filepath.Join(dir, "hello/main.go"), []byte("package main\n\nvar text = \"hello\"\n\nfunc main() { println(text) }\n"))

	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, h := range []tar.Header{
		{Name: "opt/", Typeflag: tar.TypeDir, Mode: 0o755, ModTime: time.Unix(1e9, 0)},
		{Name: "opt/owned", Typeflag: tar.TypeReg, Mode: 0o640, Uid: 7, Gid: 8, Size: 5, ModTime: time.Unix(1e9, 5e8)},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, h.Size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "opt.tar"), archive.Bytes())
	return dir
}

// builtBy builds an image of the project in dir, after the shell commands in before, and
// returns the report. lines are added to the manifest. A file called stub is the stub.
func builtBy(t *testing.T, env []string, before, dir string, lines ...string) *builder.Report {
	t.Helper()
	manifest := filepath.Join(dir, "root.yaml")
	writeFile(t, manifest, []byte("version: 1\narch: amd64\ncompress: gzip:1\n"+lines[0]+`
contents:
  - {type: tree, src: tree, dst: /}
  - {type: tar, src: opt.tar}
  - {type: file, src: tree/etc/motd, dst: /etc/copy}
  - {type: file, dst: /bin/sh, content: sh, mode: 0755, links: [/bin/ash]}
`+strings.Join(lines[1:], "\n")+"\n"))
	args := []string{"-c", before + "\nexec \"$@\"", "sh", commandPath(t), "build", manifest, "-o", "/dev/null", "--json", "--no-cache"}
	if stub := filepath.Join(dir, "stub"); exists(stub) {
		args = append(args, "--stub", stub)
	}
	cmd := exec.Command("sh", args...)
	cmd.Env = env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, &stderr)
	}
	var r builder.Report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
