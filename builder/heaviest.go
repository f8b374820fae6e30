package builder

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	imagefile "github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// weight is what a path adds to what has become too much.
type weight struct {
	path  string
	bytes int64
}

// heaviest words the ten heaviest.
func heaviest(weights []weight, what string) string {
	slices.SortStableFunc(weights, func(a, b weight) int { return cmp.Compare(b.bytes, a.bytes) })
	var lines strings.Builder
	fmt.Fprintf(&lines, "the largest paths, in %s bytes:", what)
	for _, w := range weights[:min(10, len(weights))] {
		if w.bytes > 0 {
			fmt.Fprintf(&lines, "\n  %12d  %s", w.bytes, w.path)
		}
	}
	return lines.String()
}

// tooMuch is the error that the root's files take more than the manifest allows.
func (b *build) tooMuch() error {
	var weights []weight
	for _, e := range b.entries {
		if carries(e) {
			weights = append(weights, weight{e.Path, e.Size})
		}
	}
	o := b.manifest.Output
	return manifests.Errors{{
		Pos:  o.MaxUnpackedPos,
		Msg:  fmt.Sprintf("the root's files take %d bytes, output.max_unpacked allows %d", b.report.Unpacked, o.MaxUnpacked),
		Hint: heaviest(weights, "unpacked"),
	}}
}

// tooLarge is the error that the image takes more than the manifest allows. What it
// is made of shows only when it is there, so it is made once more, and thrown away.
func (b *build) tooLarge(ctx context.Context) error {
	b.progress = newProgress(nil, nil)
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := b.writeImage(ctx, &image{w: w, report: &Report{}})
		w.CloseWithError(err)
		written <- err
	}()
	use, err := imagefile.Spent(r)
	r.CloseWithError(err)
	if err := cmp.Or(<-written, err); err != nil {
		return err
	}
	weights := []weight{{"the stub and its plan", use.Boot}}
	for _, s := range use.Root {
		weights = append(weights, weight{s.Path, s.Packed})
	}
	o := b.manifest.Output
	return manifests.Errors{{
		Pos:  o.MaxSizePos,
		Msg:  fmt.Sprintf("the image takes %d bytes, output.max_size allows %d", use.Size, o.MaxSize),
		Hint: heaviest(weights, "packed"),
	}}
}
