package qemu

import (
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestExecutes runs the probe where it must succeed: KVM cannot be had
// everywhere, but the emulation never refuses.
func TestExecutes(t *testing.T) {
	testenv.Boots(t)
	m := machines["amd64"]
	testenv.Tool(t, m.binary)
	if !m.executes(t.Context(), tcgArgs) {
		t.Error("got a probe that does not end, want it to run under emulation")
	}
	if m.executes(t.Context(), []string{"-accel", "none-such"}) {
		t.Error("got a probe that ends without an accelerator")
	}
}
