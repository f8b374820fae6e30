package main

import (
	"slices"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
)

// TestBootRdinit boots images by rdinit=, as boot loaders with a fixed command line do. The
// root is then the same as without such names: its own entries are back, and entries made for
// a name are gone.
func TestBootRdinit(t *testing.T) {
	t.Parallel()
	const names = "init: {rdinit: [/linuxrc, /sbin/init, /etc/owned, /srv/none/deep]}"
	for root, programs := range map[string][]string{
		"tmpfs": {"/linuxrc", "/srv/none/deep"},
		"bind":  {"/linuxrc", "/sbin/init", "/etc/owned", "/srv/none/deep"},
	} {
		t.Run(root, func(t *testing.T) {
			t.Parallel()
			img, _ := buildImage(t, smallManifest(t, names, "root: {type: "+root+"}"))
			want := expected(t, img)
			for _, program := range programs {
				got, _ := bootGuest(t, img, qemu.Machine{Append: "root=/dev/ram0 rw rdinit=" + program})
				if got == nil {
					t.Fatalf("%s: no report", program)
				}
				if root == "bind" {
					compare(t, withKernelDir(slices.Clone(want), got), got)
				} else {
					compare(t, want, got)
				}
			}
		})
	}
}
