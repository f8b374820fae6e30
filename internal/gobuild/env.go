package gobuild

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/internal/arch"
)

// kept are the settings of the user that do not change the result of a build: where its inputs
// and caches are.
var kept = []string{
	"GOAUTH", "GOCACHE", "GOCACHEPROG", "GOINSECURE", "GOMODCACHE", "GONOPROXY", "GONOSUMDB", "GOPATH",
	"GOPRIVATE", "GOPROXY", "GOSUMDB", "GOTMPDIR", "GOTOOLCHAIN", "GOVCS",
}

// Settings returns everything except source, tags and [Version] that changes the bytes of a
// build for arch: the fixed environment and the flags. All together are the key under which a
// build can be cached.
func Settings(arch string) ([]string, error) {
	env, err := fixed(arch)
	return append(env, flags...), err
}

// Version returns the version of Go that compiles the module in dir, such as
// "go1.26.8". It is not always the one in PATH: a module can ask for another.
func Version(ctx context.Context, dir string) (string, error) {
	settings, err := userSettings(ctx, dir)
	if err != nil {
		return "", fmt.Errorf("ask for the Go version: %w", err)
	}
	return settings["GOVERSION"], nil
}

// fixed is the part of the environment that is the same on every machine. The
// settings of other architectures than arch do no harm, so that all are set.
func fixed(name string) ([]string, error) {
	if name == "" {
		name = runtime.GOARCH
	}
	goarm, ok := arch.GOARM(name)
	if !ok {
		return nil, fmt.Errorf("unknown architecture %q", name)
	}
	return []string{
		// An empty variable does not hide what "go env -w" has stored.
		"GOENV=off",
		"GOFLAGS=", "GOEXPERIMENT=", "GOFIPS140=off", "GOWORK=off",
		"CGO_ENABLED=0", "GOOS=linux", "GOARCH=" + arch.GOARCH(name),
		"GO386=softfloat", "GOAMD64=v1", "GOARM=" + goarm, "GOARM64=v8.0",
		"GOMIPS=softfloat", "GOMIPS64=softfloat", "GOPPC64=power8", "GORISCV64=rva20u64",
	}, nil
}

// environ returns the environment of go build: that of this process without settings for Go,
// then the kept and the fixed ones.
func environ(ctx context.Context, dir, arch string) ([]string, error) {
	pinned, err := fixed(arch)
	if err != nil {
		return nil, err
	}
	settings, err := userSettings(ctx, dir)
	if err != nil {
		return nil, err
	}
	if !writable(settings["GOCACHE"]) {
		settings["GOCACHE"] = noCache
	}
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "GO") || strings.HasPrefix(v, "CGO_")
	})
	for _, name := range kept {
		if value := settings[name]; value != "" {
			env = append(env, name+"="+value)
		}
	}
	// These only change how the go command itself uses the machine.
	for _, name := range []string{"GOMAXPROCS", "GOGC", "GOMEMLIMIT"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return append(env, pinned...), nil
}

// userSettings asks the go command, since a setting can stand in the environment,
// in the user's file or in the installation's.
func userSettings(ctx context.Context, dir string) (map[string]string, error) {
	// Go refuses to say anything while one of these is malformed.
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return name == "GOFLAGS" || name == "GOEXPERIMENT" || name == "GOROOT"
	})
	args := append([]string{"env", "-json", "GOVERSION"}, kept...)
	out, err := run(ctx, dir, env, args...)
	if err != nil {
		return nil, err
	}
	var settings map[string]string
	if err := json.Unmarshal(out, &settings); err != nil {
		return nil, fmt.Errorf("read go env: %w", err)
	}
	return settings, nil
}

// noCache is the value of GOCACHE if Go finds no place for a cache.
const noCache = "off"

// writable reports whether dir, which it makes, can hold new files.
func writable(dir string) bool {
	if dir == noCache || os.MkdirAll(dir, 0o777) != nil {
		return false
	}
	f, err := os.CreateTemp(dir, "mkinitfs-")
	if err != nil {
		return false
	}
	f.Close()
	return os.Remove(f.Name()) == nil
}
