package stub

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/cache"
	"github.com/mkinitfs/mkinitfs/internal/gobuild"
)

const module = "github.com/mkinitfs/mkinitfs"

// cached returns the stub from the cache, or compiles it and puts it there. Everything that
// changes the bytes of a stub is part of its key.
func cached(ctx context.Context, v Variant, o Options) (*Stub, error) {
	src, err := sourceDir(ctx, v.Arch, o.Notice)
	if err != nil {
		return nil, err
	}
	key, err := cacheKey(ctx, src, v)
	if err != nil {
		return nil, err
	}
	stubs, unkept := cache.In(o.Cache, "stubs")
	if kept := stubs.Open(key); kept != nil {
		defer kept.Close()
		data, err := io.ReadAll(kept)
		return newStub(data, kept.SHA256, "cached"), err
	}
	once := ", once"
	if unkept != nil {
		once = ""
	}
	o.Notice("compiling the stub for " + cmp.Or(v.Arch, runtime.GOARCH) + once)
	data, err := Compile(ctx, src, v)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	s := newStub(data, sum, "compiled")
	s.Unkept = unkept
	w := stubs.Create(key)
	defer w.Close()
	w.Write(data)
	w.Keep(sum)
	stubs.Prune()
	return s, nil
}

// unchecked tells the compiler to leave bounds checks out of the decoders, which saves a
// seventh of their instructions. The decoders do not rely on these checks: damaged input ends
// in an error, and their tests run with the checks and without.
func unchecked() []string {
	var flags []string
	for _, decoder := range decoders() {
		flags = append(flags, "-gcflags="+module+"/"+decoder+"=-B")
	}
	return flags
}

// decoders are the packages that decode payloads in stubs. Every codec that can be written has
// one.
func decoders() []string {
	var dirs []string
	for _, codec := range compress.Names() {
		if codec != compress.None {
			dirs = append(dirs, "compress/"+codec)
		}
	}
	return dirs
}

// Compile compiles a stub from the module in dir.
func Compile(ctx context.Context, dir string, v Variant) ([]byte, error) {
	tmp, err := os.MkdirTemp("", "mkinitfs-stub-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	out := filepath.Join(tmp, "init")
	target := gobuild.Target{Dir: dir, Package: "./builder/stub/init", Arch: v.Arch, Tags: v.Tags(), Flags: unchecked(), Out: out}
	if err := gobuild.Build(ctx, target); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
}

// sourceDir returns the directory of the module that this program was built from, for
// compiling a stub for arch. It is the directory that the program was compiled in if that
// still exists, else the one in the module cache.
func sourceDir(ctx context.Context, arch string, notice func(string)) (string, error) {
	_, file, _, _ := runtime.Caller(0)
	dir := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	if _, err := os.Stat(filepath.Join(dir, "builder", "stub", "init", "main.go")); err == nil && filepath.IsAbs(file) {
		return dir, nil
	}
	return moduleDir(ctx, moduleVersion(), arch, notice)
}

// moduleDir returns the directory of this module's version in the module cache. It downloads a
// missing version, and first tells the user how to avoid that.
func moduleDir(ctx context.Context, version, arch string, notice func(string)) (string, error) {
	have, archs := "no stubs", carried()
	if len(archs) > 0 {
		have = "stubs for " + strings.Join(archs, ", ") + " only"
	}
	hint := fmt.Sprintf("build it with make ARCHS=%q, or run it with go run or go install, or give --stub FILE", strings.Join(append(archs, arch), " "))
	absent := func(why string) error {
		return fmt.Errorf("this mkinitfs carries %s, and its source is not at hand to compile another%s\n  %s", have, why, hint)
	}
	if version == "" {
		return "", absent("")
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		return "", gobuild.ErrNoGo
	}
	if dir, err := download(ctx, tool, version, "GOPROXY=off"); err == nil {
		return dir, nil
	}
	notice(fmt.Sprintf("this mkinitfs carries %s: downloading its source, to compile one for %s\n  %s", have, arch, hint))
	dir, err := download(ctx, tool, version)
	if err != nil {
		why, _, _ := strings.Cut(err.Error(), "\n")
		return "", absent(": " + why)
	}
	return dir, nil
}

// download returns the directory of this module's version in the module cache, and fetches the
// version if it is missing. With GOPROXY=off in the environment it must be there already.
func download(ctx context.Context, tool, version string, env ...string) (string, error) {
	cmd := exec.CommandContext(ctx, tool, "mod", "download", "-json", module+"@"+version)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	var found struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &found); jsonErr == nil && found.Error != "" {
		err = errors.New(found.Error)
	}
	return found.Dir, err
}

// moduleVersion returns the version of this module in the running program, or "" if it has
// none.
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == module && strings.HasPrefix(m.Version, "v") && !strings.Contains(m.Version, "+dirty") {
			return m.Version
		}
	}
	return ""
}

// cacheKey hashes the version of Go, the build settings and the source. go.sum has the names
// and hashes of what the stub links from other modules.
func cacheKey(ctx context.Context, src string, v Variant) (string, error) {
	version, err := gobuild.Version(ctx, src)
	if err != nil {
		return "", err
	}
	settings, err := gobuild.Settings(v.Arch)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q\n", version, settings, v.Tags())
	files, err := sources(src)
	if err != nil {
		return "", err
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		name, err := filepath.Rel(src, path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %d\n%s\n", filepath.ToSlash(name), len(data), data)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// sources returns the files of the module in dir from which a stub can be compiled. A test
// holds that no directory is missing.
func sources(dir string) ([]string, error) {
	files := []string{filepath.Join(dir, "go.mod"), filepath.Join(dir, "go.sum")}
	dirs := []string{"builder/bootplan", "builder/cpio", "builder/stub", "builder/unpack", "compress/words"}
	for _, below := range append(dirs, decoders()...) {
		err := filepath.WalkDir(filepath.Join(dir, filepath.FromSlash(below)), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}
