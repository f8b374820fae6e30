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

// kernelOnHost returns a directory with what makers of initrds look for below /boot and
// /lib/modules: nothing but a configuration, and modules if modules is not "".
func kernelOnHost(t *testing.T, modules string) (dir, version string) {
	t.Helper()
	testenv.Boots(t)
	if runtime.GOARCH != "amd64" {
		t.Skip("the machine's initrd is for another one than the kernel that is booted")
	}
	testenv.Root(t, "mount another /boot and /lib for makers of initrds")
	dir, version = t.TempDir(), "6.1.0-guest"
	if modules != "" {
		src := testenv.KernelModules(t)
		version = filepath.Base(src)
		if err := os.Rename(filepath.Join(moduleRoot(t, src, modules), "lib"), filepath.Join(dir, "lib")); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "boot"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "boot", "config-"+version), []byte("CONFIG_RD_ZSTD=y\nCONFIG_RD_GZIP=y\n"))
	// A container may forbid it, or have no /boot.
	if out, err := onHost(t, dir, "true").CombinedOutput(); err != nil {
		t.Skipf("nothing can be mounted over /boot and /lib here: %v\n%s", err, out)
	}
	return dir, version
}

// onHost runs a program that finds the files of kernelOnHost where it looks for them.
func onHost(t *testing.T, dir string, program ...string) *exec.Cmd {
	t.Helper()
	const script = `mount --bind "$0/boot" /boot
lib=$(readlink -f /lib)
[ ! -d "$0/lib" ] || mount -t overlay -o "lowerdir=$0/lib:$lib" overlay "$lib"
exec "$@"`
	cmd := exec.Command(testenv.Tool(t, "unshare"), append([]string{"--mount", "sh", "-ec", script, dir}, program...)...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	return cmd
}

// initramfsTools makes an initrd with Debian's mkinitramfs, with the modules of a list for YAML.
func initramfsTools(t *testing.T, modules string) string {
	t.Helper()
	testenv.Tool(t, "mkinitramfs")
	dir, version := kernelOnHost(t, modules)
	if err := os.CopyFS(filepath.Join(dir, "conf"), os.DirFS("/etc/initramfs-tools")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "conf", "initramfs.conf"), []byte("MODULES=list\nBUSYBOX=y\nCOMPRESS=gzip\n"))
	writeFile(t, filepath.Join(dir, "conf", "modules"), []byte(strings.ReplaceAll(strings.Trim(modules, "[]"), ", ", "\n")))
	return makeInitrd(t, dir, "mkinitramfs", "-d", filepath.Join(dir, "conf"), "-o", filepath.Join(dir, "initrd.img"), version)
}

// dracut makes an initrd with dracut, with the modules of a list for YAML.
func dracut(t *testing.T, modules string) string {
	t.Helper()
	testenv.Tool(t, "dracut")
	dir, version := kernelOnHost(t, modules)
	return makeInitrd(t, dir, "dracut", "--no-hostonly", "--no-hostonly-cmdline", "--modules", "base udev-rules rootfs-block fs-lib kernel-modules",
		"--drivers", strings.ReplaceAll(strings.Trim(modules, "[]"), ",", ""), "--gzip", "--kver", version, filepath.Join(dir, "initrd.img"))
}

// makeInitrd runs a program that writes initrd.img to dir.
func makeInitrd(t *testing.T, dir string, program ...string) string {
	t.Helper()
	if out, err := onHost(t, dir, program...).CombinedOutput(); err != nil {
		testenv.Missing(t, "%s: %v\n%s", program[0], err, out)
	}
	return filepath.Join(dir, "initrd.img")
}

// TestBootFromInitramfsTools takes over an initrd of Debian's. Its own /init runs up to the
// shell before it mounts a root. In this shell pivot_root(2) works unless the root is rootfs
// itself.
func TestBootFromInitramfsTools(t *testing.T) {
	initrd := initramfsTools(t, "")
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
