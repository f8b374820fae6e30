// Package bounds compares an image with the bounds of its manifest, output.max_size and
// output.max_unpacked. Its errors name the largest paths.
package bounds

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/builder/pack"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// Size returns an error if the image takes more bytes than the manifest allows. Packing ended
// with the error failed, which may be nil. The image then took size bytes, with the file for a
// boot loader around it, and written reads the image alone. Size returns failed unchanged if the
// image keeps to its bound, or if failed is not an error of the destination.
func Size(ctx context.Context, o manifests.Output, written io.ReadSeeker, size int64, failed error) error {
	if o.MaxSize == 0 || size <= o.MaxSize {
		return failed
	}
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
	use, err := image.Spent(pack.Cancelable(ctx, written))
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return err
	}
	shares := []share{{"microcode and ACPI tables", use.Early}, {"the stub and its plan", use.Boot}}
	for _, s := range use.Root {
		shares = append(shares, share{s.Path, s.Packed})
	}
	return manifests.Errors{{
		Pos:  o.MaxSizePos,
		Msg:  fmt.Sprintf("the image takes %d bytes, output.max_size allows %d", size, o.MaxSize),
		Hint: largest(shares, "packed"),
	}}
}

// Unpacked returns an error if the files of a planned root take more bytes than the manifest
// allows.
func Unpacked(entries []*plan.Entry, o manifests.Output) error {
	unpacked := plan.Unpacked(entries)
	if o.MaxUnpacked == 0 || unpacked <= o.MaxUnpacked {
		return nil
	}
	var shares []share
	for _, e := range entries {
		if e.First == nil {
			shares = append(shares, share{e.Path, e.Size})
		}
	}
	return manifests.Errors{{
		Pos:  o.MaxUnpackedPos,
		Msg:  fmt.Sprintf("the root's files take %d bytes, output.max_unpacked allows %d", unpacked, o.MaxUnpacked),
		Hint: largest(shares, "unpacked"),
	}}
}

// share is the number of bytes that one path contributes.
type share struct {
	path  string
	bytes int64
}

// largest lists the ten largest shares.
func largest(shares []share, what string) string {
	slices.SortStableFunc(shares, func(a, b share) int { return cmp.Compare(b.bytes, a.bytes) })
	var lines strings.Builder
	fmt.Fprintf(&lines, "the largest paths, in %s bytes:", what)
	for _, s := range shares[:min(10, len(shares))] {
		if s.bytes > 0 {
			fmt.Fprintf(&lines, "\n  %12d  %s", s.bytes, s.path)
		}
	}
	return lines.String()
}
