package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// modulesOfDisk are what a disk with ext4 needs on Debian's kernel for PCs.
const modulesOfDisk = "[virtio_pci, virtio_blk, ext4, crc32c_generic]"

// TestBootSwitchRoot takes over initrds that mount a disk and go on to it: run-init of klibc and
// switch_root of dracut empty the root that they leave. The program on the disk is process 1
// then, and pivot_root(2) works.
func TestBootSwitchRoot(t *testing.T) {
	fromExample := func(t *testing.T, initrd, root string) string {
		return buildWith(t, repository(t)+"/examples/from-initramfs/from-initramfs.yaml", "-D", "initrd="+initrd, "-D", "type="+root)
	}
	withoutManifest := func(t *testing.T, initrd, root string) string { return buildFrom(t, initrd, "--root", root) }
	for _, maker := range []struct {
		name  string
		make  func(t *testing.T, modules string) string
		build func(t *testing.T, initrd, root string) string
	}{{"initramfs-tools", initramfsTools, fromExample}, {"dracut", dracut, withoutManifest}} {
		for _, root := range []string{"tmpfs", "bind", "none"} {
			t.Run(maker.name+" "+root, func(t *testing.T) {
				if maker.name == "dracut" || root != "tmpfs" {
					testenv.Matrix(t)
				}
				disk := diskWithProbe(t)
				initrd := maker.make(t, modulesOfDisk)
				img := maker.build(t, initrd, root)
				nonce := fmt.Sprint(rand.Uint64())
				result := boot(t, img, qemu.Machine{
					Arch: "amd64", Kernel: testenv.Kernel(t, "amd64-pc"), Disk: disk, MemoryMiB: 512,
					Append: "mkinitfs.nonce=" + nonce + " root=/dev/vda rw",
				})
				if err := result.Err(); err != nil {
					t.Fatalf("%v\n%s", err, result.Output)
				}
				if want := nonce + `: process 1 runs "/guest try-pivot-root ": ok`; !strings.Contains(string(result.Output), want) {
					t.Errorf("no line %s in\n%s", want, result.Output)
				}
			})
		}
	}
}

// diskWithProbe makes a disk. Its /sbin/init says whether pivot_root(2) works there.
func diskWithProbe(t *testing.T) string {
	t.Helper()
	busybox := testenv.Tool(t, "busybox")
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	mke2fs := testenv.Tool(t, "mke2fs")
	top := t.TempDir()
	for _, name := range []string{"bin", "dev", "proc", "run", "sbin", "sys"} {
		if err := os.Mkdir(filepath.Join(top, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, filepath.Join(top, "bin/sh"), []byte(readFile(t, busybox)))
	writeFile(t, filepath.Join(top, "sbin/init"), []byte("#!/bin/sh\n[ -e /proc/cmdline ] || mount -t proc proc /proc\nexec /guest try-pivot-root\n"))
	for _, name := range []string{"bin/sh", "sbin/init"} {
		if err := os.Chmod(filepath.Join(top, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	compileGuest(t, filepath.Join(top, "guest"))
	disk := filepath.Join(t.TempDir(), "disk")
	if out, err := exec.Command(mke2fs, "-q", "-t", "ext4", "-d", top, disk, "16M").CombinedOutput(); err != nil {
		t.Fatalf("mke2fs: %v\n%s", err, out)
	}
	return disk
}

// compileGuest compiles the guest program for the kernel that is booted.
func compileGuest(t *testing.T, program string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-o", program, "./internal/guest")
	cmd.Dir, cmd.Env = repository(t), append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("compile the guest: %v\n%s", err, out)
	}
}
