package main

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/internal/guest/report"
	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestBootAppended appends an archive. Its directories exist in the root only, and some of
// its files are for the kernel alone. The root has the other files then, and nothing else
// changes.
func TestBootAppended(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	img, _ := buildImage(t, guestManifest(t))
	want := expected(t, img)
	var archive bytes.Buffer
	out := cpio.NewWriter(&archive)
	for _, name := range []string{
		"etc/site.conf", "sbin/late", // by way of a link
		"initrd.image", "kernel/", "kernel/x86/", "kernel/x86/microcode/", "kernel/x86/microcode/GenuineIntel.bin",
	} {
		h := cpio.Header{Name: name, Mode: cpio.TypeFile | 0o640, Nlink: 1, MTime: 5, Size: 2}
		if dir, ok := strings.CutSuffix(name, "/"); ok {
			h = cpio.Header{Name: dir, Mode: cpio.TypeDir | 0o755, Nlink: 2}
		}
		if err := out.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := io.WriteString(out, "42"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	appendTo(t, img, archive.Bytes())
	for _, path := range []string{"/etc/site.conf", "/usr/sbin/late"} {
		want = append(want, report.Entry{
			Path: path, Mode: cpio.TypeFile | 0o640, Nlink: 1, MTime: 5, Size: 2,
			SHA256: "73475cb40a568e8da8a045ced110137e159f890ac4da883b6b17dc651b3a8049",
		})
	}
	slices.SortFunc(want, func(a, b report.Entry) int { return strings.Compare(a.Path, b.Path) })
	got, log := bootGuest(t, img, qemu.Machine{})
	compare(t, want, got)
	_, taken, _ := strings.Cut(log, "mkinitfs: taken over from rootfs: ")
	taken, _, _ = strings.Cut(taken, "\n")
	paths := strings.Fields(taken)
	slices.Sort(paths)
	if want := []string{"/etc/site.conf", "/usr/sbin/late"}; !slices.Equal(paths, want) {
		t.Errorf("the log says that %q were taken over, want %q", paths, want)
	}
	if !strings.Contains(log, "mkinitfs: removed /initrd.image: the kernel could not read the image to its end, and kept a copy of it") {
		t.Errorf("no word about /initrd.image in the log:\n%s", log)
	}
}
