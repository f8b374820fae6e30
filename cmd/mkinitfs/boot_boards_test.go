package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestBootBoards builds the boards of examples/boards from what they share, and boots them: their
// rcS runs by links that busybox.links lists.
func TestBootBoards(t *testing.T) {
	for board, machine := range map[string]struct{ arch, debian string }{"pc": {"amd64", "amd64"}, "malta": {"mipsle", "mipsel"}} {
		t.Run(board, func(t *testing.T) {
			t.Parallel()
			img := filepath.Join(t.TempDir(), board+".img")
			manifest := filepath.Join(repository(t), "examples/boards", board+".yaml")
			cmd := exec.Command(commandPath(t), "build", manifest, "-D", "busybox="+testenv.Busybox(t, machine.debian), "-o", img)
			if out, err := cmd.CombinedOutput(); err != nil || bytes.Contains(out, []byte("warning")) {
				t.Fatalf("build: got error %v, want none and no warnings:\n%s", err, out)
			}
			if board != "pc" {
				testenv.Matrix(t)
			}
			m := qemu.Machine{Arch: machine.arch, Kernel: testenv.Kernel(t, machine.arch), Append: "boards.poweroff"}
			if err := m.Runnable(); err != nil {
				testenv.Missing(t, "%v", err)
			}
			result := boot(t, img, m)
			if err := result.Err(); err != nil || !bytes.Contains(result.Output, []byte("\nboards: "+board+" is up\n")) {
				t.Errorf("got error %v, want a board that comes up and powers off:\n%s", err, result.Output)
			}
		})
	}
}
