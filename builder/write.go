package builder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/builder/pack"
	"github.com/mkinitfs/mkinitfs/internal/newfile"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// writeStream writes the image to w, which cannot take anything back. So with a bound on its
// size the image goes to a temporary file first.
func writeStream(ctx context.Context, p *prepared, w io.Writer) (*Report, error) {
	temp := tempDir{dir: p.options.TempDir}
	spool, err := newSpool(p, temp)
	if err != nil {
		return nil, err
	}
	defer spool.Close()
	w = destinationOf(w).To(w)
	if p.manifest.Output.MaxSize == 0 {
		return writeImage(ctx, p, w, nil, spool, temp)
	}
	file, err := newfile.Temp(temp.dir)
	if err != nil {
		return nil, temp.holding("the image").Fail(err)
	}
	defer file.Close()
	r, err := writeImage(ctx, p, temp.holding("the image").To(file), file, spool, temp)
	if err != nil {
		return nil, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	_, err = io.Copy(w, &cancelable{ctx, file})
	return r, err
}

// writeImage packs the image into w and reports on it. With a bound on its size, written reads
// what w has taken.
func writeImage(ctx context.Context, p *prepared, w io.Writer, written io.ReadSeeker, spool *os.File, temp tempDir) (*Report, error) {
	sum := sha256.New()
	if p.options.Digest {
		w = io.MultiWriter(w, sum)
	}
	job := pack.Job{
		Layout: p.layout, Outer: p.settled.outer, Payload: p.settled.payload, Cache: p.settled.cache,
		Watcher: p.foreign, Progress: p.options.Progress, Spool: spool, SpoolAt: temp.holding("the packed root"),
	}
	if p.stub != nil {
		job.Stub = p.stub.Data
	}
	done, err := pack.Write(ctx, w, job)
	if most := p.manifest.Output.MaxSize; most > 0 && done.Size > most {
		return nil, tooLarge(ctx, p.manifest.Output, written, done.Size, err)
	}
	if err != nil {
		return nil, err
	}
	if c := p.settled.cache; c != nil {
		c.Prune()
	}
	r := reportPacked(p, done)
	if p.options.Digest {
		r.SHA256 = hex.EncodeToString(sum.Sum(nil))
	}
	return r, nil
}

// tooLarge returns the error that the image takes more bytes than the manifest allows. If
// packing failed after size bytes, it does so for a disk that is full, and returns any other
// failure as it is.
func tooLarge(ctx context.Context, o manifests.Output, written io.ReadSeeker, size int64, failed error) error {
	if failed != nil {
		if full := (*pack.WriteError)(nil); !errors.As(failed, &full) {
			return failed
		}
		return manifests.Errors{{
			Pos:  o.MaxSizePos,
			Msg:  fmt.Sprintf("the image takes more than %d bytes, output.max_size allows %d", size, o.MaxSize),
			Hint: fmt.Sprintf("its largest paths are unknown: %v", failed),
		}}
	}
	if _, err := written.Seek(0, io.SeekStart); err != nil {
		return err
	}
	use, err := image.Spent(&cancelable{ctx, written})
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return err
	}
	shares := []share{{"the stub and its plan", use.Boot}}
	for _, s := range use.Root {
		shares = append(shares, share{s.Path, s.Packed})
	}
	return manifests.Errors{{
		Pos:  o.MaxSizePos,
		Msg:  fmt.Sprintf("the image takes %d bytes, output.max_size allows %d", use.Size, o.MaxSize),
		Hint: largest(shares, "packed"),
	}}
}

// cancelable is a reader until ctx is done.
type cancelable struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelable) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}

// newSpool returns the file for the packed payload while it grows. It is nil if the image
// has none.
func newSpool(p *prepared, temp tempDir) (*os.File, error) {
	if p.manifest.Root.Type != manifests.Tmpfs {
		return nil, nil
	}
	f, err := newfile.Temp(temp.dir)
	if err != nil {
		err = temp.holding("the packed root").Fail(err)
	}
	return f, err
}

// tempDir is a directory for temporary files.
type tempDir struct {
	dir    string // "" is os.TempDir()
	beside string // the image in this directory, of which alone the user knows, or ""
}

// holding returns the temporary file that holds something, as errors name it.
func (t tempDir) holding(what string) pack.Destination {
	switch {
	case t.beside != "":
		return pack.Destination{Name: t.beside}
	case t.dir != "":
		return pack.Destination{Name: what + " in " + t.dir}
	}
	return pack.Destination{Name: what + " in " + os.TempDir(), Hint: "TMPDIR names the directory for that"}
}

// destinationOf returns what errors call w.
func destinationOf(w io.Writer) pack.Destination {
	f, ok := w.(*os.File)
	switch {
	case !ok:
		return pack.Destination{Name: "the image"}
	case f.Name() == os.Stdout.Name():
		return pack.Destination{Name: "standard output"}
	}
	return pack.Destination{Name: f.Name()}
}
