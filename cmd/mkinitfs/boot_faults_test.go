package main

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/gobuild"
	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// addFaults puts the program of internal/faults behind an image with root.extra: drop, and
// returns the words of the command line that start it.
func addFaults(t *testing.T, img, arch, faults string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "faults")
	target := gobuild.Target{Dir: repository(t), Package: "./internal/faults", Arch: arch, Out: program}
	if err := gobuild.Build(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	appendTo(t, img, systemArchive(t, map[string]string{"faults": readFile(t, program)}))
	return "rdinit=/faults faults=" + faults
}

// TestBootOld boots without the system calls that Linux 3.10 lacks. The kernel on
// amd64 lacks tmpfs, too.
func TestBootOld(t *testing.T) {
	t.Parallel()
	for _, m := range machines {
		goarch, variant, _ := strings.Cut(m.arch, "/")
		if m.kernel != goarch || variant == "v5" || variant == "v6" || goarch == "riscv64" { // Linux 3.10 lacks these
			continue // one of each architecture is enough
		}
		t.Run(m.arch, func(t *testing.T) {
			t.Parallel()
			if goarch != "amd64" {
				testenv.Matrix(t)
			}
			machine := qemu.Machine{Arch: m.arch, Kernel: testenv.Kernel(t, m.kernel), MemoryMiB: m.memory}
			if err := machine.Runnable(); err != nil {
				testenv.Missing(t, "%v", err)
			}
			faults, line := "3.10", "tmpfs root ("
			if goarch == "amd64" {
				faults, line = "3.10,mount=tmpfs=ENODEV", "ramfs root, "
			}
			img, _ := buildImage(t, sizedManifest(t, 40, "arch: "+m.arch, "root: {extra: drop}"))
			want := expected(t, img)
			if slices.Contains([]string{"386", "arm", "mipsle"}, goarch) {
				for i := range want { // utimensat_time64 is of Linux 5.1
					want[i].MTime = min(want[i].MTime, math.MaxInt32)
				}
			}
			machine.Append = addFaults(t, img, m.arch, faults)
			got, log := bootGuest(t, img, machine)
			compare(t, want, got)
			if got.Pivot != "" {
				t.Errorf("got %q of pivot_root, want success", got.Pivot)
			}
			if !strings.Contains(log, "mkinitfs: "+line) {
				t.Errorf("no line with %q in the log:\n%s", line, log)
			}
		})
	}
}

// TestBootFaults lets single system calls fail. Some of them end the boot; after the others
// the root stands, with a warning.
func TestBootFaults(t *testing.T) {
	t.Parallel()
	testenv.Matrix(t)
	const writable = "; what is beneath the root stays writable"
	for _, test := range []struct {
		root, faults string
		stands       bool
		texts        []string
		beneath      string // of a write there
	}{
		{"tmpfs", "mount=tmpfs=ENODEV,mount=ramfs=ENODEV", false, []string{"mount the new root: mount tmpfs on /.mkinitfs/newroot: no such device"}, ""},
		{"tmpfs", "move=/=EINVAL", false, []string{"cover rootfs: move /.mkinitfs/newroot to /: invalid argument"}, ""},
		{"tmpfs", "chroot=.=EPERM", false, []string{"enter the new root: chroot .: operation not permitted"}, ""},
		{"tmpfs", "execve=/sbin/init=ENOEXEC", false, []string{"start the program: exec /sbin/init: exec format error", "hint: the kernel may lack CONFIG_BINFMT_ELF"}, ""},
		{"bind", "bind=/.mkinitfs/newroot=EPERM", false, []string{"bind the root: bind / to /.mkinitfs/newroot: operation not permitted"}, ""},
		{"tmpfs", "seal=/=EBUSY", true, []string{"remount rootfs read-only: device or resource busy" + writable}, ""},
		{"tmpfs", "rmdir=/.mkinitfs=EBUSY", true, []string{"rmdir /.mkinitfs: device or resource busy" + writable}, ""},
		{"tmpfs", "dup==EMFILE", true, []string{"dup /dev/console: too many open files"}, "read-only file system"},
		{"bind", "unlink=/.mkinitfs/plan=EROFS", true, []string{"unlink /.mkinitfs/plan: read-only file system", "rmdir /.mkinitfs: directory not empty"}, ""},
	} {
		t.Run(test.root+" "+test.faults, func(t *testing.T) {
			t.Parallel()
			settings := "root: {type: bind}"
			if test.root == "tmpfs" {
				settings = "root: {extra: drop}"
			}
			img, _ := buildImage(t, sizedManifest(t, 20, settings))
			m := qemu.Machine{Append: addFaults(t, img, "amd64", test.faults)}
			if !test.stands {
				wantFailure(t, img, m, test.texts...)
				return
			}
			got, log := bootGuest(t, img, m)
			for _, text := range test.texts {
				if !strings.Contains(log, "mkinitfs: "+text) {
					t.Errorf("no line with %q in the log:\n%s", text, log)
				}
			}
			if got.Pivot != "" || test.root == "tmpfs" && got.BeneathWrite != test.beneath {
				t.Errorf("got %q of pivot_root and %q of a write beneath the root, want success and %q", got.Pivot, got.BeneathWrite, test.beneath)
			}
		})
	}
}
