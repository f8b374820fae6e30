package stub_test

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/stub"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/cache"
	"github.com/mkinitfs/mkinitfs/internal/gobuild"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
	"github.com/mkinitfs/mkinitfs/manifests"
)

const (
	module = "github.com/mkinitfs/mkinitfs"
	source = module + "/builder/stub/init"
)

// decoders has for each payload codec the most bytes that its stub may have for
// amd64 and the packages that it adds. Every image carries these bytes. A budget is
// raised here, by a commit that says what the bytes buy and what else was tried;
// "go build -ldflags=-dumpdep" tells why something is linked.
var decoders = map[string]struct {
	budget  int64
	imports []string
}{
	"none": {budget: 1_512_000},
	"gzip": {budget: 1_537_000, imports: []string{module + "/compress/gzip"}},
	"lz4":  {budget: 1_520_000, imports: []string{module + "/compress/lz4", "hash/crc32"}},
	"xz":   {budget: 1_537_000, imports: []string{module + "/compress/xz"}},
	"zstd": {budget: 1_545_000, imports: []string{module + "/compress/zstd"}},
}

// supervising is what init.supervise may add to a budget.
const supervising = 65_000

var plain = stub.Variant{Arch: "amd64", Codec: "none"}

// name names a subtest.
func name(v stub.Variant) string { return strings.TrimSuffix(v.FileName(), ".zst") }

// Whatever a payload can be packed with, a stub decodes, and nothing else.
func TestCodecs(t *testing.T) {
	files, err := filepath.Glob("init/decode_*.go")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, file := range files {
		got = append(got, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "decode_"), ".go"))
	}
	if want := slices.Sorted(slices.Values(compress.Names())); !slices.Equal(got, want) {
		t.Errorf("got stubs for payloads %v, want %v", got, want)
	}
}

func TestSize(t *testing.T) {
	for _, v := range stub.Variants("amd64") {
		d, ok := decoders[v.Codec]
		if !ok {
			t.Errorf("no budget for payload %s", v.Codec)
			continue
		}
		if v.Supervise {
			d.budget += supervising
		}
		s, err := getStub(t.Context(), v, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := int64(len(s.Data)); got > d.budget {
			t.Errorf("stub %s: got %d bytes, want %d at most", name(v), got, d.budget)
		}
	}
}

// imports is what a package may import directly beside packages of ours. Each of
// fmt, os, log, path/filepath, runtime/debug, os/signal and x/sys/unix would add
// 0.1 to 0.4 MB to every image.
var imports = []string{
	"bufio", "bytes", "errors", "hash/crc32", "io", "math", "math/bits", "runtime", "slices", "strconv", "strings",
	"sync", "sync/atomic", "syscall", "unsafe",
}

func TestImports(t *testing.T) {
	for _, v := range stub.Variants("amd64") {
		t.Run(name(v), func(t *testing.T) {
			decoder := decoders[v.Codec]
			linked := map[string]bool{}
			for _, p := range list(t, v) {
				linked[p.ImportPath] = true
				if !strings.HasPrefix(p.ImportPath, module+"/") {
					continue
				}
				for _, name := range p.Imports {
					ours := strings.HasPrefix(name, module+"/builder/") || name == module+"/compress/words"
					if !ours && !slices.Contains(imports, name) && (p.ImportPath != source || !slices.Contains(decoder.imports, name)) {
						t.Errorf("%s imports %s", p.ImportPath, name)
					}
				}
			}
			if !linked[source] || !linked[module+"/builder/cpio"] {
				t.Errorf("got no dependencies of the stub: %v", linked)
			}
			for _, name := range decoder.imports {
				if !linked[name] {
					t.Errorf("%s is not linked, want it to decode the payload", name)
				}
			}
			// The filters of xz are for host tools: the stub reads streams of ours only.
			for _, name := range []string{"fmt", "os", "reflect", module + "/compress", module + "/compress/bcj", module + "/compress/lzo"} {
				if linked[name] {
					t.Errorf("%s is linked", name)
				}
			}
		})
	}
}

type listed struct {
	ImportPath string
	Imports    []string
}

// list returns the packages that a stub is linked from.
func list(t *testing.T, v stub.Variant) []listed {
	t.Helper()
	goarch, _, _ := strings.Cut(v.Arch, "/")
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports", "-tags="+strings.Join(v.Tags(), ","), source)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+goarch, "CGO_ENABLED=0", "GOFLAGS=")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p listed
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// Every architecture that a manifest may name has its stubs. Without compiling
// them, it can only be said that their packages are all there.
func TestArchs(t *testing.T) {
	testenv.Sequential(t)
	for _, arch := range manifests.Archs() {
		t.Run(strings.ReplaceAll(arch, "/", "-"), func(t *testing.T) {
			for _, v := range stub.Variants(arch) {
				if os.Getenv("MKINITFS_TEST_ALL") != "1" {
					list(t, v)
					continue
				}
				s, err := getStub(t.Context(), v, "")
				if err != nil {
					t.Fatal(err)
				}
				file := filepath.Join(t.TempDir(), "stub")
				if err := os.WriteFile(file, s.Data, 0o755); err != nil {
					t.Fatal(err)
				}
				if _, err := getStub(t.Context(), v, file); err != nil {
					t.Errorf("the stub as a file: %v", err)
				}
			}
		})
	}
}

// getStub returns a stub, by way of the user's cache.
func getStub(ctx context.Context, v stub.Variant, file string) (*stub.Stub, error) {
	return stub.Get(ctx, v, stub.Options{File: file, Cache: cache.Top(os.LookupEnv)})
}

// freshCache makes the user's cache directory an empty one, but for Go's own.
func freshCache(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOCACHE", strings.TrimSpace(string(out)))
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir)
	t.Setenv("MKINITFS_CACHE", "")
	return dir
}

func TestCache(t *testing.T) {
	fresh := freshCache(t)
	var first *stub.Stub
	for _, want := range []string{"compiled", "cached", "cached"} {
		s, err := getStub(t.Context(), plain, "")
		if err != nil {
			t.Fatal(err)
		}
		if s.Origin != want {
			t.Errorf("got a stub that was %s, want it %s", s.Origin, want)
		}
		if first == nil {
			first = s
		}
		if !bytes.Equal(s.Data, first.Data) || s.SHA256 != first.SHA256 || s.GoVersion != first.GoVersion || s.GoVersion == "" {
			t.Errorf("the %s stub: got SHA-256 %s, Go %q; the first had %s, %q", s.Origin, s.SHA256, s.GoVersion, first.SHA256, first.GoVersion)
		}
	}
	files, err := filepath.Glob(filepath.Join(fresh, "mkinitfs", "stubs", "*"))
	if err != nil || len(files) != 1 {
		t.Errorf("got %q, %v in the cache, want one file", files, err)
	}
	// A stub of another codec is another one.
	if s, err := getStub(t.Context(), stub.Variant{Arch: "amd64", Codec: "gzip"}, ""); err != nil || s.Origin != "compiled" || s.SHA256 == first.SHA256 {
		t.Errorf("stub for gzip: got %v, want one of its own", err)
	}
}

// A stub is kept where the caller says and nowhere else.
func TestCacheOption(t *testing.T) {
	users := freshCache(t)
	named := filepath.Join(t.TempDir(), "named")
	for _, test := range []struct{ dir, want string }{{"", "compiled"}, {"", "compiled"}, {named, "compiled"}, {named, "cached"}} {
		s, err := stub.Get(t.Context(), plain, stub.Options{Cache: test.dir})
		if err != nil {
			t.Fatal(err)
		}
		if s.Origin != test.want || (s.Unkept == nil) != (test.dir != "") {
			t.Errorf("cache %q: got a stub that was %s, unkept for %v, want it %s", test.dir, s.Origin, s.Unkept, test.want)
		}
	}
	if left, err := os.ReadDir(users); err != nil || len(left) > 0 {
		t.Errorf("the user's cache directory: got %v, %v, want nothing in it", left, err)
	}
}

// A cached stub that is not what was stored, as after a power cut, is compiled anew.
func TestCacheDamage(t *testing.T) {
	fresh := freshCache(t)
	get := func() *stub.Stub {
		t.Helper()
		s, err := getStub(t.Context(), plain, "")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := get()
	files, err := filepath.Glob(filepath.Join(fresh, "mkinitfs", "stubs", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("got %q, %v in the cache, want one file", files, err)
	}
	stored, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(stored)
	flipped[len(flipped)-1] ^= 1
	for _, damaged := range []struct {
		what string
		data []byte
	}{
		{"empty", nil}, {"cut", stored[:len(stored)/2]}, {"zeroed", make([]byte, len(stored))}, {"flipped", flipped}, {"bare", first.Data},
	} {
		if err := os.WriteFile(files[0], damaged.data, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"compiled", "cached"} {
			if s := get(); s.Origin != want || s.SHA256 != first.SHA256 {
				t.Errorf("%s: got a stub that was %s, with SHA-256 %s, want it %s, with %s", damaged.what, s.Origin, s.SHA256, want, first.SHA256)
			}
		}
	}
}

// A cached stub that has got the name of another one is compiled anew.
func TestCacheSwap(t *testing.T) {
	fresh := freshCache(t)
	variants := []stub.Variant{plain, {Arch: "amd64", Codec: "gzip"}}
	var sums, files []string
	for range 2 {
		for i, v := range variants {
			s, err := getStub(t.Context(), v, "")
			if err != nil {
				t.Fatal(err)
			}
			if s.Origin != "compiled" {
				t.Errorf("%s: got a stub that was %s, want it compiled", v.Codec, s.Origin)
			}
			if sums = append(sums, s.SHA256); sums[i] != s.SHA256 {
				t.Errorf("%s: got SHA-256 %s, want %s", v.Codec, s.SHA256, sums[i])
			}
		}
		if files, _ = filepath.Glob(filepath.Join(fresh, "mkinitfs", "stubs", "*")); len(files) != 2 {
			t.Fatalf("got %q in the cache, want two files", files)
		}
		aside := filepath.Join(fresh, "aside")
		err := errors.Join(os.Rename(files[0], aside), os.Rename(files[1], files[0]), os.Rename(aside, files[1]))
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A stub is neither taken from where others can write nor kept there.
func TestCacheOfOthers(t *testing.T) {
	fresh := freshCache(t)
	stubs := filepath.Join(fresh, "mkinitfs", "stubs")
	get := func() *stub.Stub {
		t.Helper()
		s, err := getStub(t.Context(), plain, "")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	get()
	for _, dir := range []string{stubs, filepath.Dir(stubs)} {
		if err := os.Chmod(dir, 0o770); err != nil {
			t.Fatal(err)
		}
		if s := get(); s.Origin != "compiled" || s.Unkept == nil || !strings.Contains(s.Unkept.Error(), dir+": others than its owner may write there") {
			t.Errorf("%s: got a stub that was %s, unkept for %v", dir, s.Origin, s.Unkept)
		}
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if s := get(); s.Origin != "cached" || s.Unkept != nil {
		t.Errorf("got a stub that was %s, unkept for %v, want it cached", s.Origin, s.Unkept)
	}
	t.Setenv("MKINITFS_CACHE", filepath.Join(fresh, "other"))
	for _, want := range []string{"compiled", "cached"} {
		if s := get(); s.Origin != want || s.Unkept != nil {
			t.Errorf("with MKINITFS_CACHE: got a stub that was %s, unkept for %v, want it %s", s.Origin, s.Unkept, want)
		}
	}
}

// Without a cache directory stubs are compiled each time.
func TestNoCache(t *testing.T) {
	dir := freshCache(t)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", file)
	for range 2 {
		s, err := getStub(t.Context(), plain, "")
		if err != nil {
			t.Fatal(err)
		}
		if s.Origin != "compiled" {
			t.Errorf("got a stub that was %s, want it compiled", s.Origin)
		}
	}
}

func TestNoGo(t *testing.T) {
	freshCache(t)
	t.Setenv("PATH", t.TempDir())
	_, err := getStub(t.Context(), plain, "")
	if err == nil {
		t.Fatal("got a stub without a Go tool")
	}
	for _, want := range []string{"stub for amd64 with payload none: ", gobuild.ErrNoGo.Error(), "\n  install Go", "--stub FILE"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got error %q, want %q in it", err, want)
		}
	}
}

func TestCancelled(t *testing.T) {
	freshCache(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := getStub(ctx, plain, ""); err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
}

func TestFile(t *testing.T) {
	s, err := getStub(t.Context(), plain, "")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "stub")
	if err := os.WriteFile(file, s.Data, 0o755); err != nil {
		t.Fatal(err)
	}
	got, err := getStub(t.Context(), plain, file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Data, s.Data) || got.SHA256 != s.SHA256 || got.GoVersion != s.GoVersion || got.Origin != file {
		t.Errorf("got SHA-256 %s, Go %s, origin %s, want %s, %s, %s", got.SHA256, got.GoVersion, got.Origin, s.SHA256, s.GoVersion, file)
	}
	for _, arch := range []string{"386", "arm64", "mipsle", "arm/v7"} {
		if _, err := getStub(t.Context(), stub.Variant{Arch: arch, Codec: "none"}, file); err == nil || !strings.Contains(err.Error(), "is for amd64, the image is for "+arch) {
			t.Errorf("for %s: got error %v, want it refused", arch, err)
		}
	}
	// Of one machine, but not of one size or byte order.
	for _, other := range []struct {
		at    int
		value byte
	}{{elf.EI_CLASS, byte(elf.ELFCLASS32)}, {elf.EI_DATA, byte(elf.ELFDATA2MSB)}} {
		mips := make([]byte, 64)
		copy(mips, elf.ELFMAG)
		mips[elf.EI_CLASS], mips[elf.EI_DATA], mips[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
		mips[other.at] = other.value
		mips[16], mips[17], mips[18], mips[19] = byte(elf.ET_EXEC), byte(elf.ET_EXEC), byte(elf.EM_MIPS), byte(elf.EM_MIPS)
		mips[20], mips[23] = byte(elf.EV_CURRENT), byte(elf.EV_CURRENT)
		if err := os.WriteFile(file, mips, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := getStub(t.Context(), stub.Variant{Arch: "mips64le", Codec: "none"}, file); err == nil {
			t.Errorf("a MIPS stub with byte %d of %d: got no error, want it refused for mips64le", other.at, other.value)
		}
	}
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := getStub(t.Context(), plain, file); err == nil || !strings.Contains(err.Error(), "stub "+file+": not an ELF program") {
		t.Errorf("a script: got error %v, want it refused", err)
	}
	if _, err := getStub(t.Context(), plain, file+".missing"); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no file: got error %v", err)
	}
}

// A file that says how it was built has to be the stub that the image needs.
func TestFileBuild(t *testing.T) {
	dir := t.TempDir()
	does := func(v stub.Variant) string {
		if v.Supervise {
			return "payload " + v.Codec + " and init.supervise"
		}
		return "payload " + v.Codec
	}
	for _, v := range stub.Variants("amd64") {
		s, err := getStub(t.Context(), v, "")
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, name(v))
		if err := os.WriteFile(file, s.Data, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, image := range stub.Variants("amd64") {
			want := ""
			if image != v {
				want = "stub " + file + ": is for " + does(v) + ", the image has " + does(image)
			}
			got := ""
			if _, err := getStub(t.Context(), image, file); err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("the stub for %s: got error %q, want %q", does(v), got, want)
			}
		}
	}

	// A program that is not the stub, and one that does not say what it is.
	other := filepath.Join(dir, "other")
	build := gobuild.Target{Package: module + "/builder/stub/embed", Arch: "amd64", Out: other}
	if err := gobuild.Build(t.Context(), build); err != nil {
		t.Fatal(err)
	}
	want := "stub " + other + ": is the program " + module + "/builder/stub/embed, not a stub, which is " + source
	if _, err := getStub(t.Context(), plain, other); err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
	bare := make([]byte, 64)
	copy(bare, elf.ELFMAG)
	bare[elf.EI_CLASS], bare[elf.EI_DATA], bare[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	bare[16], bare[18], bare[20] = byte(elf.ET_EXEC), byte(elf.EM_X86_64), byte(elf.EV_CURRENT)
	if err := os.WriteFile(other, bare, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, v := range stub.Variants("amd64") {
		if _, err := getStub(t.Context(), v, other); err != nil {
			t.Errorf("a program that does not say what it is: got error %v, want it taken for %s", err, does(v))
		}
	}
}
