package builder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"

	"github.com/mkinitfs/mkinitfs/builder/bounds"
	"github.com/mkinitfs/mkinitfs/builder/pack"
	"github.com/mkinitfs/mkinitfs/builder/wrap"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// writeStream writes the image to w.
func writeStream(ctx context.Context, p *prepared, w io.Writer) (*Report, error) {
	temp := pack.TempDir{Dir: p.options.TempDir}
	spool, err := newSpool(p, temp)
	if err != nil {
		return nil, err
	}
	defer spool.Close()
	return writeOutput(ctx, p, pack.DestinationOf(w).To(w), nil, spool, temp)
}

// writeOutput writes the image to w, in the file for a boot loader that the manifest asks for.
// written reads back what was written to w, nil for a w that takes nothing back.
func writeOutput(ctx context.Context, p *prepared, w io.Writer, written io.ReadSeeker, spool *os.File, temp pack.TempDir) (*Report, error) {
	sum := sha256.New()
	if p.options.Digest {
		w = io.MultiWriter(w, sum)
	}
	write := writeSpooled
	if p.settled.uImage == nil && (written != nil || p.manifest.Output.MaxSize == 0) {
		write = writeImage
	}
	r, err := write(ctx, p, w, written, spool, temp)
	if err == nil && p.options.Digest {
		r.SHA256 = hex.EncodeToString(sum.Sum(nil))
	}
	return r, err
}

// writeSpooled writes the image to a temporary file first. The header of a file for a boot
// loader holds its sum, and the bound on its size may stop it.
func writeSpooled(ctx context.Context, p *prepared, w io.Writer, _ io.ReadSeeker, spool *os.File, temp pack.TempDir) (*Report, error) {
	file, err := temp.Create("the image")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r, err := writeImage(ctx, p, temp.Holding("the image").To(file), file, spool, temp)
	if err != nil {
		return nil, err
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	return r, wrap.Write(ctx, w, p.settled.uImage, io.NewSectionReader(file, 0, size))
}

// writeImage packs the image into w and reports on it. With a bound on the size, written reads
// back what was written to w.
func writeImage(ctx context.Context, p *prepared, w io.Writer, written io.ReadSeeker, spool *os.File, temp pack.TempDir) (*Report, error) {
	job := pack.Job{
		Layout: p.layout, Compress: p.settled.compress, Payload: p.settled.payload, Cache: p.settled.cache,
		Stream:  p.manifest.Output.Layout == manifests.Stream,
		Watcher: p.foreign, Progress: p.options.Progress, Spool: spool, SpoolAt: temp.Holding("the packed root"),
	}
	for _, e := range p.notes.early {
		job.Early = append(job.Early, pack.Early{Archives: io.NewSectionReader(e.At, e.Offset, e.Size), Align: e.Align, Trailer: e.Trailer, Check: e.Unchanged})
	}
	if p.stub != nil {
		job.Stub = p.stub.Data
	}
	done, err := pack.Write(ctx, w, job)
	if err := bounds.Size(ctx, p.manifest.Output, written, p.settled.uImage.Size(done.Size), err); err != nil {
		return nil, err
	}
	if c := p.settled.cache; c != nil {
		c.Prune()
	}
	return reportPacked(p, done), nil
}

// newSpool returns the file for the growing payload, nil if the image has none.
func newSpool(p *prepared, temp pack.TempDir) (*os.File, error) {
	if p.manifest.Root.Type != manifests.Tmpfs {
		return nil, nil
	}
	return temp.Create("the packed root")
}
