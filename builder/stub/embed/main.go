// Command embed compiles the stubs that a release binary carries, for the
// architectures named as arguments (none: this machine's), into the directory
// builder/stub/embedded. It is run in the module's directory, by make.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"github.com/mkinitfs/mkinitfs/builder/stub"
	"github.com/mkinitfs/mkinitfs/internal/arch"
	"github.com/mkinitfs/mkinitfs/manifests"
)

func main() {
	archs, err := parseArchs(os.Args[1:])
	if err == nil {
		err = embed(context.Background(), archs)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		os.Exit(1)
	}
}

// parseArchs takes the names as a manifest does; without any it is this machine's.
func parseArchs(names []string) ([]string, error) {
	if len(names) == 0 {
		return []string{arch.Host()}, nil
	}
	var archs []string
	for _, name := range names {
		parsed, err := manifests.ParseArch(name)
		if err != nil {
			if hint := manifests.Hint(err); hint != "" {
				err = fmt.Errorf("%w\n  %s", err, hint)
			}
			return nil, err
		}
		archs = append(archs, parsed)
	}
	return archs, nil
}

func embed(ctx context.Context, archs []string) error {
	dir := filepath.Join("builder", "stub", "embedded")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return err
	}
	for _, name := range archs {
		for _, v := range stub.Variants(name) {
			data, err := stub.Compile(ctx, ".", v)
			if err != nil {
				return err
			}
			file := filepath.Join(dir, v.FileName())
			if err := os.WriteFile(file, enc.EncodeAll(data, nil), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
