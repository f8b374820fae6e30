package builder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/mkinitfs/mkinitfs/internal/follow"
	"github.com/mkinitfs/mkinitfs/internal/newfile"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// BuildFile is Build into a file. The image is written into a new file, which replaces
// it, so that it is there whole or not at all; its mode is 0600 if some source is not
// readable by all, else what the umask makes of 0666. What exists at path and is
// not a regular file, such as a device or a FIFO, is written to as it is.
func BuildFile(ctx context.Context, path string, m *manifests.Manifest, o Options) (*Report, error) {
	if o.Depfile.Target == "" {
		o.Depfile.Target = makeName(path)
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("write %s: is a directory", path)
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
	// Not before: what /dev/stdout leads to may have no path, such as a pipe.
	if path, err = followLinks(path); err != nil {
		return nil, err
	}
	beside := ""
	if err := settleTarget(path); err != nil {
		return nil, err
	}
	if o.TempDir == "" {
		o.TempDir, beside = filepath.Dir(path), path
	}
	b, err := prepare(ctx, m, o, toWrite)
	if err != nil {
		return nil, err
	}
	b.beside = beside
	defer b.sources.Close()
	if err := b.spare(path, o.Depfile.Path); err != nil {
		return nil, err
	}
	perm := fs.FileMode(0o666)
	if b.report.Private {
		perm = 0o600
	}
	newfile.Sweep(path)
	// The spool comes first: where it cannot be made without a name, it has lost its name
	// before the image has one, and a killed build leaves one file, not two.
	if m.Root.Type == manifests.Tmpfs {
		if b.spool, err = newfile.Temp(o.TempDir); err != nil {
			return nil, b.spoolTo(nil).fail(err)
		}
		defer func() {
			if b.spool != nil {
				b.spool.Close()
			}
		}()
	}
	f, err := newfile.Create(path, perm)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := b.write(ctx, destination{Writer: f, name: path}); err != nil {
		return nil, err
	}
	if o.IfChanged && b.stands(path, f) {
		b.report.Unchanged = true
		return &b.report, b.writeDepfile()
	}
	if err := b.writeDepfile(); err != nil {
		return nil, err
	}
	if err := f.Place(); err != nil {
		return nil, err
	}
	return &b.report, b.touch(path)
}

// stands reports whether the file at path can stay, since the new image has the same
// bytes. One that more people can read than should has to go.
func (b *build) stands(path string, image io.ReadSeeker) bool {
	old, err := os.Open(path)
	if err != nil {
		return false
	}
	defer old.Close()
	info, err := old.Stat()
	if err != nil || info.Size() != b.report.Size || b.report.Private && info.Mode().Perm()&0o077 != 0 {
		return false
	}
	_, err = image.Seek(0, io.SeekStart)
	return err == nil && sameBytes(old, image)
}

func sameBytes(a, b io.Reader) bool {
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

// followLinks returns what path is a symbolic link to, which need not exist: the
// link is to stay one.
func followLinks(path string) (string, error) {
	for range follow.MaxLinks {
		target, err := os.Readlink(path)
		if err != nil {
			return path, nil
		}
		if !filepath.IsAbs(target) {
			dir, _ := filepath.Split(path)
			target = dir + target // not cleaned: ".." leads up from where the folder really is
		}
		path = target
	}
	return "", fmt.Errorf("write %s: %w", path, syscall.ELOOP)
}
