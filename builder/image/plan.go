package image

import (
	"errors"
	"fmt"
	"io"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// BootPlan returns the boot plan of the image r, nil if it has none. It reads no further than
// the plan.
func BootPlan(r io.Reader) (*bootplan.Plan, error) {
	found := errors.New("found")
	info, err := WalkOuter(r, func(e *Entry, _ io.Reader) error {
		if e.Path() == "/"+bootplan.Path {
			return found
		}
		return nil
	})
	if err != nil && err != found {
		return nil, err
	}
	if info.Plan == nil {
		return nil, nil
	}
	p, err := bootplan.Parse(info.Plan)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", bootplan.Path, err)
	}
	return p, nil
}
