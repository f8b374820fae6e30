package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/guest/report"
	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestBootBefore boots a script that mounts devtmpfs, proc and sysfs, shares all mounts as
// systemd does, and then starts the stub. The script is in the manifest, or in an archive
// behind the image, where it is /init and the stub has another name. Each mount is in the
// root once, as the script made it.
func TestBootBefore(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	const script = `#!/bin/busybox sh
cd /
for dir in dev proc sys; do busybox mkdir -p $dir; done
busybox mount -t devtmpfs outer /dev
busybox mount -t proc outer /proc
busybox mount -t sysfs outer /sys
busybox mount --make-rshared /
exec </dev/console >/dev/console 2>&1
echo "before the stub: process $$"
exec %s "$@"
`
	for _, test := range []struct {
		root     string
		appended bool
	}{{"tmpfs", false}, {"bind", false}, {"tmpfs", true}, {"bind", true}} {
		t.Run(fmt.Sprintf("%s, appended: %v", test.root, test.appended), func(t *testing.T) {
			t.Parallel()
			if test.appended {
				testenv.Matrix(t)
			}
			busybox := testenv.Tool(t, "busybox")
			img, _ := buildImage(t, smallManifest(t,
				fmt.Sprintf("  - {type: file, src: %q, dst: /bin/busybox, mode: 0755}", busybox),
				fmt.Sprintf("  - {type: file, dst: /before, mode: 0755, content: %q}", fmt.Sprintf(script, "/init")),
				"boot: [/before, /bin/busybox]", "compress: none", "root: {type: "+test.root+"}",
				"init: {exec: /sbin/init, args: [own], mounts: [dev, proc, sys, run, pts]}"))
			words := "rdinit=/before -- given"
			if test.appended {
				words = "-- given"
				appendTo(t, img, systemArchive(t, map[string]string{"init": fmt.Sprintf(script, "/stub"), "stub": stubOf(t, img)}))
			}
			got, log := bootGuest(t, img, qemu.Machine{Append: words})
			for _, want := range []string{"before the stub: process 1", "mkinitfs: mounts moved from rootfs: /dev /proc /sys\n"} {
				if !strings.Contains(log, want) {
					t.Errorf("no line with %q in the log:\n%s", want, log)
				}
			}
			for point, want := range map[string]string{
				"/dev": "devtmpfs outer", "/proc": "proc outer", "/sys": "sysfs outer", "/run": "tmpfs tmpfs", "/dev/pts": "devpts devpts",
			} {
				var mounts []string
				for _, m := range got.Mounts {
					if m.Point == point {
						mounts = append(mounts, m.Type+" "+m.Source)
					}
				}
				if !slices.Equal(mounts, []string{want}) {
					t.Errorf("%s: got mounts %q, want %q and no other", point, mounts, want)
				}
			}
			if want := []string{"/sbin/init", "own", "given"}; !slices.Equal(got.Args, want) {
				t.Errorf("got arguments %q, want %q", got.Args, want)
			}
			if got.Pivot != "" {
				t.Errorf("got %q of pivot_root, want none", got.Pivot)
			}
			if test.root == "tmpfs" && (len(got.Beneath) > 0 || got.BeneathWrite != "read-only file system") {
				t.Errorf("beneath the root: got %q and %q of a write, want an empty read-only file system", got.Beneath, got.BeneathWrite)
			}
			dev := got.Mounts[slices.IndexFunc(got.Mounts, func(m report.Mount) bool { return m.Point == "/dev" })]
			for _, f := range got.Files {
				if f.Mount != dev.ID {
					t.Errorf("fd %d: got mount %d (%s), want that of /dev, %d", f.FD, f.Mount, f.Path, dev.ID)
				}
			}
		})
	}
}

// stubOf returns the stub of an image, as the system's cpio reads it. The first archive must
// not be compressed.
func stubOf(t *testing.T, img string) string {
	t.Helper()
	cmd := exec.Command(testenv.Tool(t, "cpio"), "-i", "--quiet", "--to-stdout", "init")
	cmd.Stdin = strings.NewReader(readFile(t, img))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || !bytes.HasPrefix(out, []byte("\x7fELF")) {
		t.Fatalf("cpio: %v, %d bytes\n%s", err, len(out), stderr.Bytes())
	}
	return string(out)
}
