package gobuild

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Require makes dir, which is empty, a module from which [Build] compiles a package of another
// module. The package is an import path with a version: example.com/cmd/x@v1.2.3. The versions of
// all dependencies are those that go install takes for it. If the module cache has all of them,
// nothing is downloaded.
func Require(ctx context.Context, dir, pkg, arch string) error {
	// The go command raises this version to that of the package's module.
	const text = "module program\n\ngo 1.21\n"
	file := filepath.Join(dir, "go.mod")
	env, err := environ(ctx, dir, arch)
	if err != nil {
		return fmt.Errorf("get %s: %w", pkg, err)
	}
	// What is in the cache was compared with the checksum database on its way there.
	offline := slices.Concat(env, []string{"GOPROXY=off", "GOSUMDB=off"})
	for _, env := range [][]string{offline, env} {
		if err = os.WriteFile(file, []byte(text), 0o666); err != nil {
			return err
		}
		if _, err = run(ctx, dir, env, "get", "--", pkg); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("get %s: %w", pkg, err)
	}
	return nil
}
