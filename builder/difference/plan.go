package difference

import (
	"context"
	"io"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/lint"
	planning "github.com/mkinitfs/mkinitfs/builder/plan"
)

// OfPlan returns the root of a planned image and its boot plan, which is nil if the image has
// no stub, as a side. The contents of the files must stay readable.
func OfPlan(name string, planned []*planning.Entry, boot *bootplan.Plan) *Side {
	s := &Side{Name: name, Kind: Manifest, Plan: boot, Root: make([]Entry, len(planned))}
	numbers, linked := map[*planning.Entry]int64{}, map[string]int64{}
	for i, e := range planned {
		s.Root[i] = Entry{
			Path: e.Path, Mode: e.Mode, UID: e.UID, GID: e.GID, Size: e.Size, MTime: e.MTime,
			Major: e.Major, Minor: e.Minor, Target: e.Target, Xattrs: e.Xattrs, content: int64(i),
		}
		if e.Nlink < 2 || e.IsDir() {
			continue
		}
		if _, ok := numbers[e.File()]; !ok {
			numbers[e.File()] = int64(i)
		}
		s.Root[i].content = numbers[e.File()]
		linked[e.Path] = s.Root[i].content
	}
	arrange(s.Root, linked)
	s.contents = func(ctx context.Context, want map[int64]bool, visit func(int64, io.Reader) error) error {
		for i, e := range planned {
			if !want[int64(i)] {
				continue
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			f, err := lint.Planned(planned).Open(e)
			if err != nil {
				return err
			}
			err = visit(int64(i), f)
			f.Close()
			if err != nil {
				return err
			}
		}
		return nil
	}
	return s
}
