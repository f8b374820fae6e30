package builder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mkinitfs/mkinitfs/manifests"
)

// BuildFile is Build into a file. The image is written beside it and renamed, so
// that it is there whole or not at all; its mode is 0600 if some source is not
// readable by all, else what the umask makes of 0666. What exists at path and is
// not a regular file, such as a device or a FIFO, is written to as it is.
func BuildFile(ctx context.Context, path string, m *manifests.Manifest, o Options) (*Report, error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("write %s: is a folder", path)
	case err == nil && !info.Mode().IsRegular():
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		report, err := Build(ctx, f, m, o)
		return report, errors.Join(err, f.Close())
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if o.TempDir == "" {
		o.TempDir = filepath.Dir(path)
	}
	f, err := createBeside(path)
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name()) // gone already if all went well
	defer f.Close()
	report, err := Build(ctx, f, m, o)
	if err != nil {
		return nil, err
	}
	if report.Private {
		if err := f.Chmod(0o600); err != nil {
			return nil, err
		}
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	return report, os.Rename(f.Name(), path)
}

// createBeside creates a new file in the folder of path.
func createBeside(path string) (*os.File, error) {
	dir, base := filepath.Split(path)
	for i := 0; ; i++ {
		name := fmt.Sprintf("%s.%s.%d-%d", dir, base, os.Getpid(), i)
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// tempFile creates a file that has no name any more.
func tempFile(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, ".mkinitfs-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
