package stub

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/mkinitfs/mkinitfs/internal/gobuild"
)

const module = "github.com/mkinitfs/mkinitfs"

// cached returns the stub from the user's cache folder, or compiles it and puts
// it there. Its key is all that decides over its bytes.
func cached(ctx context.Context, v Variant) (data []byte, origin string, err error) {
	src, err := sourceDir(ctx)
	if err != nil {
		return nil, "", err
	}
	key, err := cacheKey(ctx, src, v)
	if err != nil {
		return nil, "", err
	}
	dir := cacheDir()
	path := filepath.Join(dir, key)
	if data, ok := load(path); ok && dir != "" {
		os.Chtimes(path, time.Time{}, time.Now()) // so that store does not forget it
		return data, "cached", nil
	}
	data, err = Compile(ctx, src, v)
	if err != nil {
		return nil, "", err
	}
	if dir != "" {
		store(path, data)
	}
	return data, "compiled", nil
}

// Compile compiles a stub from the module in dir.
func Compile(ctx context.Context, dir string, v Variant) ([]byte, error) {
	tmp, err := os.MkdirTemp("", "mkinitfs-stub-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	out := filepath.Join(tmp, "init")
	target := gobuild.Target{Dir: dir, Package: "./builder/stub/init", Arch: v.Arch, Tags: v.Tags(), Out: out}
	if err := gobuild.Build(ctx, target); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
}

// sourceDir returns the folder of the module that this program was built from:
// the one it was compiled in if that is still there, else the module cache's.
func sourceDir(ctx context.Context) (string, error) {
	_, file, _, _ := runtime.Caller(0)
	dir := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	if _, err := os.Stat(filepath.Join(dir, "builder", "stub", "init", "main.go")); err == nil && filepath.IsAbs(file) {
		return dir, nil
	}
	version := moduleVersion()
	if version == "" {
		have := "no stubs"
		if names := carried(); len(names) > 0 {
			have = "the stubs " + strings.Join(names, ", ") + " only"
		}
		return "", errors.New("this mkinitfs carries " + have + ", and its source is not at hand to compile another\n" +
			"  build it with make ARCHS=\"...\", or run it with go run or go install, or give --stub FILE")
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		return "", gobuild.ErrNoGo
	}
	out, err := exec.CommandContext(ctx, tool, "mod", "download", "-json", module+"@"+version).Output()
	var found struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &found); jsonErr == nil && found.Error != "" {
		err = errors.New(found.Error)
	}
	if err != nil {
		return "", fmt.Errorf("get the source of %s@%s: %w", module, version, err)
	}
	return found.Dir, nil
}

// moduleVersion is the version under which this module is part of the running
// program, "" if it has none.
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

// cacheKey hashes the version of Go, the settings of the build, and the source:
// everything that the stub can be linked with lies below builder or is named, with
// its hash, in go.sum.
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
	add := func(path string) error {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(src, path)
		fmt.Fprintf(h, "%q %d\n%s\n", filepath.ToSlash(name), len(data), data)
		return err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		if err := add(filepath.Join(src, name)); err != nil {
			return "", err
		}
	}
	for _, dir := range []string{"cpio", "stub"} {
		err := filepath.WalkDir(filepath.Join(src, "builder", dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			return add(path)
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// cacheDir is where stubs are kept, "" if the user has no cache folder.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "mkinitfs", "stubs")
}

// load returns the stub that store has kept in a file. Its first line is the
// SHA-256 of the rest: after a power cut or on a bad disk a file can have its name
// and not its content, and an image with such an /init does not boot.
func load(path string) (data []byte, ok bool) {
	file, err := os.ReadFile(path)
	sum, data, _ := bytes.Cut(file, []byte("\n"))
	return data, err == nil && string(sum) == digest(data)
}

// store keeps a stub for the next time and forgets those that were not used for a
// month. A cache that cannot be written is no error.
func store(path string, data []byte) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return
	}
	tmp, err := os.CreateTemp(dir, ".new-")
	if err != nil {
		return
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(append([]byte(digest(data)+"\n"), data...))
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return
	}
	os.Rename(tmp.Name(), path)

	const month = 30 * 24 * time.Hour
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > month {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
