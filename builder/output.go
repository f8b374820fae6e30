package builder

import (
	"context"
	"errors"
	"io/fs"

	"github.com/mkinitfs/mkinitfs/builder/pack"
	"github.com/mkinitfs/mkinitfs/internal/depfile"
	"github.com/mkinitfs/mkinitfs/internal/newfile"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// BuildFile is Build into a file. The image goes into a new file that replaces it, so path
// never has half an image. Its mode is 0600 if some source is not readable by all, else 0666
// less the umask. If path exists and is not a regular file, such as a device or a FIFO,
// BuildFile writes to it.
func BuildFile(ctx context.Context, path string, m *manifests.Manifest, o Options) (*Report, error) {
	if o.Depfile.Target == "" {
		o.Depfile.Target = depfile.Name(path)
	}
	path, device, err := pack.OpenOutput(ctx, path)
	if err != nil {
		return nil, err
	}
	if device != nil {
		report, err := Build(ctx, device, m, o)
		return report, errors.Join(err, device.Close())
	}
	temp := pack.TempDirFor(o.TempDir, path)
	p, err := prepare(ctx, m, o, toWrite)
	if err != nil {
		return nil, err
	}
	defer p.sources.Close()
	if err := spare(p, path, o.Depfile.Path); err != nil {
		return nil, err
	}
	perm := fs.FileMode(0o666)
	if p.root.private {
		perm = 0o600
	}
	newfile.Sweep(path)
	// The spool comes first. A spool that cannot be made without a name loses its name before
	// the image gets one, so a killed build leaves one file, not two.
	spool, err := newSpool(p, temp)
	if err != nil {
		return nil, err
	}
	defer spool.Close()
	f, err := newfile.Create(path, perm)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := writeOutput(ctx, p, pack.Destination{Name: path}.To(f), f, spool, temp)
	if err != nil {
		return nil, err
	}
	if w := pack.NameWarning(path, len(r.Segments)); w != "" {
		r.Warnings = append(r.Warnings, w)
	}
	if o.IfChanged && f.Stands() {
		r.Unchanged = true
		return r, writeDepfile(p)
	}
	if err := writeDepfile(p); err != nil {
		return nil, err
	}
	if err := f.Place(); err != nil {
		return nil, err
	}
	if o.Depfile.Path == "" {
		return r, nil
	}
	// If the directory is an input, renaming the image made it newer: the image would be out
	// of date for ever.
	return r, newfile.Touch(path)
}
