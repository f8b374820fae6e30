package gobuild

import (
	"context"
	"debug/elf"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module writes a module with one program into a new directory.
func module(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"go.mod":            "module example.com/prog\n\ngo 1.24\n",
		"cmd/hello/main.go": source,
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const hello = "package main\n\nfunc main() { println(\"hello\") }\n"

func compile(t *testing.T, target Target) []byte {
	t.Helper()
	target.Out = filepath.Join(t.TempDir(), "out")
	if err := Build(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(target.Out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSameBytesInAHostileEnvironment(t *testing.T) {
	want := compile(t, Target{Dir: module(t, hello), Package: "./cmd/hello", Arch: "amd64"})

	stored := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(stored, []byte("GOFLAGS=-gcflags=-N\nGOAMD64=v4\nGO386=sse2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"GOENV": stored, "GOFLAGS": "-race -nosuchflag", "GOEXPERIMENT": "nosuchexperiment", "GOAMD64": "v3",
		"GOARCH": "arm64", "GOOS": "plan9", "CGO_ENABLED": "1", "GOWORK": "/nonexistent/go.work",
		"GOROOT": "/nonexistent", "TZ": "Asia/Tokyo", "LC_ALL": "tr_TR.UTF-8",
	} {
		t.Setenv(name, value)
	}
	got := compile(t, Target{Dir: module(t, hello), Package: "./cmd/hello", Arch: "amd64"})
	if string(got) != string(want) {
		t.Errorf("got other bytes (%d), want those of a clean environment (%d)", len(got), len(want))
	}
}

func TestBuildsForTheTarget(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the runtime for other architectures")
	}
	dir := module(t, hello)
	for arch, want := range map[string]elf.Machine{"arm/v5": elf.EM_ARM, "mipsle": elf.EM_MIPS} {
		out := filepath.Join(t.TempDir(), "out")
		if err := Build(t.Context(), Target{Dir: dir, Package: "./cmd/hello", Arch: arch, Out: out}); err != nil {
			t.Error(err)
			continue
		}
		f, err := elf.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		if f.Machine != want {
			t.Errorf("%s: got machine %v, want %v", arch, f.Machine, want)
		}
		f.Close()
	}
}

func TestTags(t *testing.T) {
	dir := module(t, "//go:build special\n\n"+hello)
	err := Build(t.Context(), Target{Dir: dir, Package: "./cmd/hello", Out: filepath.Join(t.TempDir(), "out")})
	if err == nil || !strings.Contains(err.Error(), "build constraints exclude all Go files") {
		t.Errorf("without the tag: got error %v, want one about build constraints", err)
	}
	compile(t, Target{Dir: dir, Package: "./cmd/hello", Tags: []string{"special"}})
}

func TestSettings(t *testing.T) {
	for arch, want := range map[string]string{
		"arm": "GOARCH=arm GOARM=7", "arm/v5": "GOARCH=arm GOARM=5", "arm/v6": "GOARCH=arm GOARM=6",
		"mips": "GOARCH=mips GOMIPS=softfloat", "386": "GOARCH=386 GO386=softfloat", "amd64": "GOARCH=amd64 GOAMD64=v1",
	} {
		got, err := Settings(arch)
		if err != nil {
			t.Error(err)
		}
		for _, setting := range strings.Fields(want) {
			if all := strings.Join(got, "\n") + "\n"; !strings.Contains(all, setting+"\n") {
				t.Errorf("%s: got %q, want %s among them", arch, got, setting)
			}
		}
	}
	for _, arch := range []string{"arm/v8", "arm64/v8", "amd64/v3"} {
		if _, err := Settings(arch); err == nil {
			t.Errorf("%s: got no error, want one about an unknown architecture", arch)
		}
	}
}

func TestVersion(t *testing.T) {
	got, err := Version(t.Context(), module(t, hello))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got, "go1.") {
		t.Errorf("got version %q, want one like go1.26.0", got)
	}
}

func TestErrors(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	dir := module(t, "package main\n\nfunc main() { undefined(1) }\n")
	err := Build(t.Context(), Target{Dir: dir, Package: "./cmd/hello", Arch: "amd64", Out: out})
	want := "build ./cmd/hello for amd64: exit status 1\n\t# example.com/prog/cmd/hello\n\tcmd/hello/main.go:3:15: undefined: undefined"
	if err == nil || err.Error() != want {
		t.Errorf("compiler error:\ngot  %v\nwant %s", err, want)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = Build(ctx, Target{Dir: dir, Package: "./cmd/hello", Out: out})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got error %v, want %v", err, context.Canceled)
	}

	t.Setenv("PATH", t.TempDir())
	err = Build(t.Context(), Target{Dir: dir, Package: "./cmd/hello", Out: out})
	if !errors.Is(err, ErrNoGo) {
		t.Errorf("without go: got error %v, want %v", err, ErrNoGo)
	}
}
