package source

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// Early are raw archives for the start of the image, where the kernel looks for microcode and
// ACPI tables before it unpacks anything.
type Early struct {
	At      *os.File // stays open until the [Env] is closed
	Offset  int64
	Size    int64
	Stamp   plan.Stamp // of the file At
	Paths   []string   // of everything in them; the kernel unpacks it all onto rootfs
	Private bool       // not everyone on the host may read it
}

// Unchanged returns an error if the file has changed since the source looked at it.
func (e *Early) Unchanged() error {
	var now unix.Stat_t
	err := unix.Fstat(int(e.At.Fd()), &now)
	if err == nil && e.Stamp != (plan.Stamp{}) && e.Stamp != stamp(&now) {
		err = errors.New("it changed while the image was built")
	}
	if err != nil {
		err = fmt.Errorf("read %s: %w", e.At.Name(), err)
	}
	return err
}
