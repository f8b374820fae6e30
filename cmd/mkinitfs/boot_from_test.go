package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// initramfsTools makes an initrd without modules with Debian's mkinitramfs. mkinitramfs reads
// the configuration of a kernel below /boot, so another directory is mounted there.
func initramfsTools(t *testing.T) string {
	t.Helper()
	testenv.Boots(t)
	if runtime.GOARCH != "amd64" {
		t.Skip("the machine's initrd is for another one than the kernel that is booted")
	}
	testenv.Tool(t, "mkinitramfs")
	testenv.Root(t, "mount another /boot for mkinitramfs")
	const version = "6.1.0-guest"
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "boot"), 0o755); err != nil {
		t.Fatal(err)
	}
	// A container may forbid it, or have no /boot.
	if out, err := mountedBoot(t, dir, "true").CombinedOutput(); err != nil {
		t.Skipf("no other /boot can be mounted here: %v\n%s", err, out)
	}
	if err := os.CopyFS(filepath.Join(dir, "conf"), os.DirFS("/etc/initramfs-tools")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "boot", "config-"+version), []byte("CONFIG_RD_ZSTD=y\nCONFIG_RD_GZIP=y\n"))
	writeFile(t, filepath.Join(dir, "conf", "initramfs.conf"), []byte("MODULES=list\nBUSYBOX=y\nCOMPRESS=gzip\n"))
	cmd := mountedBoot(t, dir, "mkinitramfs", "-d", filepath.Join(dir, "conf"), "-o", filepath.Join(dir, "initrd.img"), version)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	if out, err := cmd.CombinedOutput(); err != nil {
		testenv.Missing(t, "mkinitramfs: %v\n%s", err, out)
	}
	return filepath.Join(dir, "initrd.img")
}

// mountedBoot runs a program that finds dir/boot at /boot.
func mountedBoot(t *testing.T, dir string, program ...string) *exec.Cmd {
	t.Helper()
	args := []string{"--mount", "sh", "-ec", `mount --bind "$0/boot" /boot; exec "$@"`, dir}
	return exec.Command(testenv.Tool(t, "unshare"), append(args, program...)...)
}

// TestBootFromInitramfsTools takes over an initrd of Debian's. Its own /init runs up to the
// shell before it mounts a root. In this shell pivot_root(2) works unless the root is rootfs
// itself.
func TestBootFromInitramfsTools(t *testing.T) {
	initrd := initramfsTools(t)
	for root, want := range map[string]string{
		"tmpfs": "ok", "bind": "ok", "none": "pivot_root: invalid argument",
	} {
		t.Run(root, func(t *testing.T) {
			if root != "tmpfs" {
				testenv.Matrix(t)
			}
			// The initrd reboots instead of starting a shell unless panic= is empty. An
			// interactive shell reads what ENV names.
			img, _ := buildImage(t, fmt.Sprintf(`version: 1
arch: amd64
root: {type: %s}
contents:
  - {type: cpio, src: %q}
  - {type: go, src: "%s/internal/guest", dst: /guest}
  - {type: file, dst: /probe, content: "exec /guest try-pivot-root\n"}
`, root, initrd, repository(t)))
			nonce := fmt.Sprint(rand.Uint64())
			result := boot(t, img, qemu.Machine{Append: "mkinitfs.nonce=" + nonce + " break=premount panic= ENV=/probe"})
			if err := result.Err(); err != nil {
				t.Fatalf("%v\n%s", err, result.Output)
			}
			line := nonce + `: process 1 runs "/bin/sh /init`
			if got := string(result.Output); !strings.Contains(got, line) || !strings.Contains(got, `": `+want) {
				t.Errorf("got no line %s...: %s in\n%s", line, want, got)
			}
		})
	}
}
