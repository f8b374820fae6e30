package bounds

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/pack"
	"github.com/mkinitfs/mkinitfs/manifests"
)

var errStop = errors.New("stop")

// TestSize checks that the error for a large image does not depend on its destination, and that
// an unrelated error is returned unchanged.
func TestSize(t *testing.T) {
	o := manifests.Output{MaxSize: 100, MaxSizePos: manifests.Pos{File: "test.yaml", Line: 2, Col: 3}}
	full := pack.Destination{Name: "X"}.Fail(syscall.ENOSPC)
	err := Size(t.Context(), o, nil, 120, full)
	if want := "test.yaml:2:3: the image takes more than 120 bytes, output.max_size allows 100\n" +
		"  its largest paths are unknown: write X: no space left on device"; err.Error() != want {
		t.Errorf("on a full disk: got error %q, want %q", err, want)
	}
	if err := Size(t.Context(), o, nil, 120, errStop); err != errStop {
		t.Errorf("interrupted: got error %v, want %v", err, errStop)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStop)
	if err := Size(ctx, o, strings.NewReader("070701"), 120, nil); err != errStop {
		t.Errorf("interrupted while the image is read: got error %v, want %v", err, errStop)
	}
}
