// Package wrap puts an image into a file for a boot loader. Package envelope knows the formats,
// this one the files: they appear whole or not at all, as those of a build do.
package wrap

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/mkinitfs/mkinitfs/builder/envelope"
	"github.com/mkinitfs/mkinitfs/builder/pack"
	"github.com/mkinitfs/mkinitfs/internal/newfile"
)

// File writes a uImage with an image in it to path, as builder.BuildFile writes an image. perm is
// the mode of a new file, before the umask.
func File(ctx context.Context, path string, perm fs.FileMode, u *envelope.UImage, image *io.SectionReader) error {
	path, device, err := pack.OpenOutput(ctx, path)
	if err != nil {
		return err
	}
	to := pack.Destination{Name: path}
	if device != nil {
		return errors.Join(Write(ctx, to.To(device), u, image), device.Close())
	}
	newfile.Sweep(path)
	f, err := newfile.Create(path, perm)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := Write(ctx, to.To(f), u, image); err != nil {
		return err
	}
	return f.Place()
}

// Stream writes a uImage with an image in it to w, which its errors name.
func Stream(ctx context.Context, w io.Writer, u *envelope.UImage, image *io.SectionReader) error {
	return Write(ctx, pack.DestinationOf(w).To(w), u, image)
}

// Write writes a uImage with an image in it to w, or the image alone if u is nil.
func Write(ctx context.Context, w io.Writer, u *envelope.UImage, image *io.SectionReader) error {
	image = io.NewSectionReader(whileRunning{ctx, image}, 0, image.Size())
	if u != nil {
		return u.Write(w, image)
	}
	_, err := io.Copy(w, image)
	return err
}

// whileRunning is a file whose reads fail once ctx is done.
type whileRunning struct {
	ctx context.Context
	io.ReaderAt
}

func (r whileRunning) ReadAt(p []byte, offset int64) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.ReaderAt.ReadAt(p, offset)
}
