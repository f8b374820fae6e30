// Command embed compiles the stubs that a release binary carries, for the
// architectures named as arguments (none: this machine's), into the folder
// builder/stub/embedded. It is run in the module's folder, by make.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/klauspost/compress/zstd"
	"github.com/mkinitfs/mkinitfs/builder/stub"
)

func main() {
	archs := os.Args[1:]
	if len(archs) == 0 {
		archs = []string{runtime.GOARCH}
	}
	if err := embed(context.Background(), archs); err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		os.Exit(1)
	}
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
	for _, arch := range archs {
		for _, v := range stub.Variants(arch) {
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
