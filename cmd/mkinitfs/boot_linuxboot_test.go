package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestBootLinuxBoot boots examples/linuxboot with a script for its shell, which runs u-root's
// commands.
func TestBootLinuxBoot(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	dir := t.TempDir()
	img, manifest := filepath.Join(dir, "linuxboot.img"), filepath.Join(dir, "script.yaml")
	writeFile(t, manifest, fmt.Appendf(nil, `version: 1
arch: amd64
include: [%q]
contents:
  - type: file
    dst: /bin/uinit
    mode: 0755
    content: |
      #!/bbin/gosh
      echo "linuxboot:" $(ls /bbin)
      poweroff
`, filepath.Join(repository(t), "examples/linuxboot/linuxboot.yaml")))
	out, err := exec.Command(commandPath(t), "build", manifest, "-o", img).CombinedOutput()
	needModules(t, out, err)
	if err != nil || bytes.Contains(out, []byte("warning")) {
		t.Fatalf("build: got error %v, want none and no warnings:\n%s", err, out)
	}
	result := boot(t, img, qemu.Machine{MemoryMiB: 512})
	want := "\nlinuxboot: cat gosh init kexec ls mount poweroff\n"
	if err := result.Err(); err != nil || !bytes.Contains(result.Output, []byte(want)) {
		t.Errorf("got error %v, want %q and a machine that powers off:\n%s", err, want, result.Output)
	}
}

// needModules skips t if mkinitfs could not get u-root's modules, neither from Go's cache nor
// from the network.
func needModules(t *testing.T, out []byte, err error) {
	t.Helper()
	if err != nil && bytes.Contains(out, []byte(": get github.com/u-root/")) {
		testenv.Missing(t, "modules of u-root: %s", out)
	}
}
