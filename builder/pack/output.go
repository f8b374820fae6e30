package pack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/mkinitfs/mkinitfs/internal/newfile"
)

// OpenOutput opens path if it is a device or a FIFO. Otherwise it returns the path of the
// file that is to be replaced, behind all links, and no device.
func OpenOutput(ctx context.Context, path string) (string, *Device, error) {
	if path == "" {
		return "", nil, errors.New("write the image: no path is given")
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return "", nil, fmt.Errorf("write %s: is a directory", path)
	case err == nil && !info.Mode().IsRegular():
		device, err := OpenDevice(ctx, path)
		return path, device, err
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", nil, err
	}
	// Only now: the target of /dev/stdout may have no path, such as a pipe.
	if path, err = newfile.Target(path); err != nil {
		return "", nil, err
	}
	return path, nil, newfile.Try(path)
}
