package pack

import (
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/layout"
	"github.com/mkinitfs/mkinitfs/compress"
)

// TestWorkersFor checks that memory limits the workers, and that there is always one.
func TestWorkersFor(t *testing.T) {
	const gib, mib = 1 << 30, 1 << 20
	for _, test := range []struct {
		what            string
		cpus            int
		available, each int64
		want            int
	}{
		{"enough", 4, 8 * gib, 120 * mib, 4},
		{"unknown", 4, 0, 120 * mib, 4},
		{"for two", 64, 400 * mib, 120 * mib, 2},
		{"for none", 8, 50 * mib, 120 * mib, 1},
		{"nothing", 8, 1, 120 * mib, 1},
	} {
		if got := workersFor(test.cpus, test.available, test.each); got != test.want {
			t.Errorf("%s: got %d workers, want %d", test.what, got, test.want)
		}
	}
	if got := availableMemory(); got < 0 {
		t.Errorf("got %d bytes of memory on this machine, want 0 or more", got)
	}
}

// TestEncoderMemory checks that an encoder with a larger window counts with more memory.
func TestEncoderMemory(t *testing.T) {
	xz, err := compress.Lookup("xz")
	if err != nil {
		t.Fatal(err)
	}
	none, err := compress.Lookup("none")
	if err != nil {
		t.Fatal(err)
	}
	members := []layout.Member{{Size: 1 << 20}, {Size: 20 << 20}}
	if got := workers(Codec{Codec: none}, members); got != 1 {
		t.Errorf("none: got %d workers, want 1", got)
	}
	if got := workers(Codec{Codec: xz}, members); got < 1 {
		t.Errorf("xz: got %d workers", got)
	}
	small, large := Codec{Codec: xz, Small: true}.encoderMemory(20<<20), Codec{Codec: xz}.encoderMemory(20<<20)
	if small < 8<<20 || small > 24<<20 || large < 64<<20 || large > 128<<20 {
		t.Errorf("xz: got %d bytes with a window of 1 MiB and %d with 8 MiB, want some 13 and 94 MiB", small, large)
	}
	if got := (Codec{Codec: xz, Command: new(Command)}).encoderMemory(20 << 20); got != 0 {
		t.Errorf("a command: got %d bytes, want 0", got)
	}
}
