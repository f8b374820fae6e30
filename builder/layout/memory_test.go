package layout

import (
	"fmt"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// TestMinRAMNodes checks that the memory for the inodes on rootfs counts: those of directories
// that the boot segment has for what a boot loader appends.
func TestMinRAMNodes(t *testing.T) {
	const dirs = 1000
	var found []*plan.Entry
	for i := range dirs {
		found = append(found, &plan.Entry{Path: fmt.Sprint("/d", i), Mode: plan.TypeDir | 0o755, Origin: "m:1:1"})
	}
	root, err := plan.Make(found, plan.Options{RootMode: 0o755})
	if err != nil {
		t.Fatal(err)
	}
	least := func(extra string) int64 {
		l, err := Make(root, Options{Type: Tmpfs, Stub: bootplan.Plan{Root: Tmpfs, Extra: extra}, Window: func(int64) int64 { return 0 }})
		if err != nil {
			t.Fatal(err)
		}
		return Demands{Type: Tmpfs, Nodes: l.Nodes()}.MinRAM(l.BootPlan(nil), "amd64").Bytes
	}
	if got, want := least("merge")-least("drop"), int64(dirs*bootplan.PerInode); got != want {
		t.Errorf("%d directories in the boot segment take %d bytes more, want %d", dirs, got, want)
	}
}
