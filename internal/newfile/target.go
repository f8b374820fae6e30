package newfile

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/mkinitfs/mkinitfs/internal/follow"
)

// Try finds out whether a new file can be made beside path.
func Try(path string) error {
	f, err := Create(path, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Same reports whether a and b hold the same bytes.
func Same(a, b io.Reader) bool {
	p, q := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, errA := io.ReadFull(a, p)
		m, errB := io.ReadFull(b, q)
		switch {
		case errA != errB || !bytes.Equal(p[:n], q[:m]):
			return false
		case errA != nil:
			return errA == io.EOF || errA == io.ErrUnexpectedEOF
		}
	}
}

// Target returns the target of a symbolic link, which need not exist, so that the link
// stays a link.
func Target(path string) (string, error) {
	for range follow.MaxLinks {
		target, err := os.Readlink(path)
		if err != nil {
			return path, nil
		}
		if !filepath.IsAbs(target) {
			dir, _ := filepath.Split(path)
			target = dir + target // not cleaned: ".." leads up from where the directory really is
		}
		path = target
	}
	return "", fmt.Errorf("write %s: %w", path, syscall.ELOOP)
}
