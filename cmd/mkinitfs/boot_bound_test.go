package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestBootBoundCut boots incomplete roots of type bind. The kernel starts the stub all the
// same.
func TestBootBoundCut(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	large := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(large, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, 160<<20); err != nil {
		t.Fatal(err)
	}
	many := t.TempDir()
	for i := range 16_000 {
		if err := os.WriteFile(fmt.Sprintf("%s/%05d", many, i), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const (
		full   = "hint: rootfs is full: give the machine more memory, or put rootfstype=ramfs on the kernel's command line"
		kernel = "hint: the kernel says why in a line with \"Initramfs unpacking failed\""
		last   = "  - {type: file, dst: /zz, content: \"0123456789\"}"
	)
	for _, test := range []struct {
		name    string
		lines   []string
		cut     float64 // where to cut, as a part of the image; a negative number counts bytes from its end
		machine qemu.Machine
		texts   []string
	}{
		{"no room for a file", []string{fmt.Sprintf("  - {type: file, src: %q, dst: /large}", large)}, 0, qemu.Machine{MemoryMiB: 192},
			[]string{"check the root: the kernel unpacked only a part of /large", full}},
		{"no room for entries", []string{fmt.Sprintf("  - {type: tree, src: %q, dst: /many}", many)}, 0, qemu.Machine{MemoryMiB: 128},
			[]string{"check the root: the kernel did not unpack /", full}},
		{"cut", nil, 0.8, qemu.Machine{}, []string{"check the root: the kernel ", " /srv/", kernel}},
		{"cut, rootfs is a ramfs", nil, 0.8, qemu.Machine{Append: "root=/dev/vda"}, []string{"check the root: the kernel ", " /srv/", kernel}},
		{"cut at the end of the last file", []string{last, "compress: none"}, -262, qemu.Machine{}, []string{"check the root: the kernel did not unpack all of the image: it ends at /zz", kernel}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			img, _ := buildImage(t, guestManifest(t, append(test.lines, "root: {type: bind}")...))
			data := readFile(t, img)
			switch {
			case test.cut > 0:
				data = data[:int(float64(len(data))*test.cut)]
			case test.cut < 0:
				data = data[:len(data)+int(test.cut)]
			}
			writeFile(t, img, []byte(data))
			wantFailure(t, img, test.machine, test.texts...)
		})
	}
}
