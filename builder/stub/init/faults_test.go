//go:build linux

package main

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/internal/gobuild"
)

// faultsProgram compiles internal/faults once.
var faultsProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "faults")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "faults")
	target := gobuild.Target{Package: "github.com/mkinitfs/mkinitfs/internal/faults", Out: path}
	if err := gobuild.Build(context.Background(), target); err != nil {
		return "", err
	}
	data, err := os.ReadFile(path)
	return string(data), err
})

// TestBootFaults lets system calls of the stub fail that work on every kernel here:
// those that an older or smaller kernel lacks, and those after which there is no
// way back.
func TestBootFaults(t *testing.T) {
	needRoot(t, "filter system calls of the first process")
	faults, err := faultsProgram()
	if err != nil {
		t.Fatal(err)
	}
	const runs, hint = "the program runs\nSeccomp:\t2\n", "mkinitfs: hint: "
	for _, c := range []struct {
		root, faults string
		code         int
		want         []string
	}{
		{"tmpfs", "3.10", 42, []string{"mkinitfs: tmpfs root (", runs}},
		{"bind", "3.10", 42, []string{runs}},
		{"tmpfs", "3.10,mount=tmpfs=ENODEV", 42, []string{": no such device; the root becomes a ramfs, which has no size limit\n", "mkinitfs: ramfs root, 9 entries", runs}},
		{"tmpfs", "mount=tmpfs=EPERM", 1, []string{"mkinitfs: mount the new root: mount tmpfs on /.mkinitfs/newroot: operation not permitted\n"}},
		{"tmpfs", "mount=proc=ENODEV", 1, []string{
			"mkinitfs: mount proc: no such device; the kernel's command line is not read\n",
			"mkinitfs: make mounts: mount proc on /proc: no such device\n", hint + "the kernel may lack",
		}},
		{"tmpfs", "open=/.mkinitfs/plan=EIO", 1, []string{"mkinitfs: read the plan: read /.mkinitfs/plan: input/output error\n", hint}},
		{"tmpfs", "unlink=/.mkinitfs/root.0001=EROFS", 1, []string{"mkinitfs: unpack the root: unlink /.mkinitfs/root.0001: read-only file system\n"}},
		{"tmpfs", "unlink=/init=EBUSY", 1, []string{"mkinitfs: empty rootfs: unlink /init: device or resource busy\n"}},
		{"tmpfs", "move=/=EINVAL", 1, []string{"mkinitfs: cover rootfs: move /.mkinitfs/newroot to /: invalid argument\n"}},
		{"tmpfs", "chroot=.=EPERM", 1, []string{"mkinitfs: enter the new root: chroot .: operation not permitted\n"}},
		{"tmpfs", "execve=/sbin/init=ENOEXEC", 1, []string{"mkinitfs: start the program: exec /sbin/init: exec format error\n", hint + "the kernel may lack CONFIG_BINFMT_ELF"}},

		// Once rootfs is covered the root stands, and what still goes wrong is only said.
		{"tmpfs", "rmdir=/.mkinitfs/newroot=EBUSY", 42, []string{"mkinitfs: rmdir /.mkinitfs/newroot: device or resource busy; what is beneath the root stays writable\n", runs}},
		{"tmpfs", "rmdir=/.mkinitfs=EBUSY", 42, []string{"mkinitfs: rmdir /.mkinitfs: device or resource busy; what is beneath the root stays writable\n", runs}},
		{"tmpfs", "seal=/=EINVAL", 42, []string{"mkinitfs: remount rootfs read-only: invalid argument; what is beneath the root stays writable\n", runs}},
		{"bind", "unlink=/.mkinitfs/plan=EROFS", 42, []string{
			"mkinitfs: unlink /.mkinitfs/plan: read-only file system\n", "mkinitfs: rmdir /.mkinitfs: directory not empty\n", runs,
		}},
	} {
		t.Run(c.root+" "+c.faults, func(t *testing.T) {
			img := newImage(t, "none", "echo the program runs\nbusybox grep Seccomp: /proc/self/status\nexit 42\n")
			img.plan.Mounts = []bootplan.Mount{{Type: "proc", Source: "proc", Target: "/proc"}}
			img.plan.Root, img.plan.Extra, img.faults = c.root, "drop", c.faults
			if c.root == "bind" {
				for _, entries := range img.root {
					img.extra = append(img.extra, entries...)
				}
				img.extra, img.root = img.extra[1:], nil // rootfs has its "." already
			}
			img.extra = append(img.extra, newEntry("faults", syscall.S_IFREG|0o755, faults))
			img.want(t, c.code, c.want...)
		})
	}
}
