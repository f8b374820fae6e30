package source

import (
	"archive/tar"
	"context"
	"fmt"
	"io"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// bound refuses a path that is too long for Linux. It also refuses an archive if its names and
// attributes take far more memory than those of any root, because a small compressed archive
// can hold very many.
func (r *tarStream) bound(h *tar.Header) error {
	for _, s := range []string{h.Name, h.Linkname} {
		if len(s) >= cpio.PathMax {
			return fmt.Errorf("a path of %d bytes, where Linux takes %d at most", len(s), cpio.PathMax-1)
		}
		r.text += len(s)
	}
	if r.xattrs {
		for key, value := range h.PAXRecords {
			r.text += len(key) + len(value)
		}
	}
	return r.full()
}

func (r *tarStream) full() error {
	if r.text > maxText+textShare*r.members {
		return fmt.Errorf("the paths and extended attributes up to here take more than %d MiB, which those of no root do", maxText>>20)
	}
	return nil
}

const (
	maxText   = 16 << 20 // bytes that names, targets and extended attributes may take
	textShare = 512      // further bytes for each entry
)

// where adds the offset of the reader to an error of archive/tar.
func (r *tarStream) where(err error) error {
	at, seekErr := r.in.Seek(0, io.SeekCurrent)
	switch {
	case err == io.ErrUnexpectedEOF:
		return fmt.Errorf("%w: cut short", err)
	case err == tar.ErrHeader && seekErr == nil:
		return fmt.Errorf("damaged, or with values out of range: no valid header before byte %d", at)
	case err == tar.ErrFieldTooLong && seekErr == nil:
		return fmt.Errorf("an extended header of more than 1 MiB before byte %d", at)
	}
	return err
}

// checkEnd warns about an archive that does not end with two blocks of zeros, because it may
// have been cut. Layers by umoci insert do not, and are whole by their digest. checkEnd also warns about data behind these blocks.
func (r *tarStream) checkEnd(ctx context.Context) error {
	end, err := r.in.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	last := make([]byte, tarBlock)
	if _, err := r.in.ReadAt(last, end-tarBlock); err != nil {
		return err
	}
	if nonzero(last) {
		if r.summed {
			return nil
		}
		r.warn("%s: no end of archive after %d bytes: it may have been cut short", r.name, end)
		return nil
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := (interruptible{ctx, r.in}).Read(buf)
		if nonzero(buf[:n]) {
			r.warn("%s: what is behind the end of the archive, at byte %d, is left out\n  tar --concatenate joins archives, cat does not", r.name, end)
			return nil
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
