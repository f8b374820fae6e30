package main

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// vendored copies a sysroot and moves a library of nft to a directory where no loader looks of
// itself.
const vendored = `
cp -R "$0" sysroot
cd sysroot
mkdir -p opt/vendor
mv usr/lib/*-linux-gnu/libnftables.so.* opt/vendor
echo /opt/vendor >etc/ld.so.conf
`

// TestBootLibraries boots the example with programs of Debian's packages and the libraries that
// libs brings. One of them is found through the cache that is written for the loader.
func TestBootLibraries(t *testing.T) {
	t.Parallel()
	for _, m := range []struct{ arch, kernel, qemu string }{
		{"amd64", "amd64", "qemu-system-x86_64"}, {"arm64", "arm64", "qemu-system-aarch64"},
	} {
		t.Run(m.arch, func(t *testing.T) {
			t.Parallel()
			if m.arch != "amd64" {
				testenv.Matrix(t)
			}
			kernel := testenv.Kernel(t, m.kernel)
			testenv.Tool(t, m.qemu)
			dir := t.TempDir()
			cmd := exec.Command("sh", "-ec", vendored, testenv.Sysroot(t, m.arch, false))
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			img := filepath.Join(dir, "packages.img")
			manifest := filepath.Join(repository(t), "examples/debian-packages/debian-packages.yaml")
			status, _, words := mkinitfs("build", manifest, "--arch", m.arch, "-D", "sysroot="+filepath.Join(dir, "sysroot"), "-o", img)
			if status != 0 || strings.Contains(words, "warning") {
				t.Fatalf("build: exit status %d\n%s", status, words)
			}
			nonce := fmt.Sprint(rand.Uint64())
			result := boot(t, img, qemu.Machine{Arch: m.arch, Kernel: kernel, Append: "nonce=" + nonce})
			if err := result.Err(); err != nil {
				t.Fatalf("%v\n%s", err, result.Output)
			}
			// The kernel has no nf_tables built in, as libnftables says.
			for _, want := range []string{"lo               UNKNOWN        127.0.0.1/8", "mnl.c:60: Unable to initialize Netlink socket", "firewall: up with .* nonce=" + nonce} {
				if !regexp.MustCompile(want).Match(result.Output) {
					t.Errorf("got no line with %s in\n%s", want, result.Output)
				}
			}
		})
	}
}
