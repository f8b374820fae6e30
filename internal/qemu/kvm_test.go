package qemu

import (
	"testing"
	"time"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestBegins runs the probe where it must succeed: KVM cannot be had everywhere,
// but the emulation never refuses.
func TestBegins(t *testing.T) {
	m := Machine{Kernel: testenv.Kernel(t, "amd64")}
	b, err := board("amd64")
	if err != nil {
		t.Fatal(err)
	}
	testenv.Tool(t, b.Binary)
	defer testenv.Slot(t)()
	if !m.begins(t.Context(), b, tcgArgs, testenv.Timeout(t)) {
		t.Error("got a kernel that does not begin, want it to run under emulation")
	}
	if m.begins(t.Context(), b, tcgArgs, time.Millisecond) {
		t.Error("got a kernel that begins before it can")
	}
	if m.begins(t.Context(), b, []string{"-accel", "none-such"}, testenv.Timeout(t)) {
		t.Error("got a kernel that begins without an accelerator")
	}
}
