package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/guest/report"
	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestBootRootflags boots with the words that size a root in RAM. Any root= makes the
// kernel's rootfs a ramfs. The new root is a tmpfs of the given size all the same. A root of
// type bind has no size of its own, and the log says so.
func TestBootRootflags(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	for _, test := range []struct {
		root, words string
		size, line  string
		matrix      bool
	}{
		{"tmpfs", "root=tmpfs rw rootwait rootflags=size=64M", "size=65536k", "tmpfs root (mode=0755,size=64M)", false},
		{"tmpfs", "rootfstype=tmpfs rootflags=size=32m,size=64MB", "size=32768k", "rootflags: size=64MB ignored: not an option of the root's tmpfs, or no value for it", true},
		{"bind", "root=tmpfs rw rootflags=size=64M", "", "rootflags=size=64M ignored: a root of type bind has rootfs's own size and mode", false},
	} {
		t.Run(test.root+" "+test.words, func(t *testing.T) {
			t.Parallel()
			if test.matrix {
				testenv.Matrix(t)
			}
			img, _ := buildImage(t, guestManifest(t, "root: {type: "+test.root+"}"))
			got, log := bootGuest(t, img, qemu.Machine{Append: test.words})
			want := expected(t, img)
			if test.root == "bind" {
				want = withKernelDir(want, got)
			}
			compare(t, want, got)
			if !strings.Contains(log, "mkinitfs: "+test.line) {
				t.Errorf("no line with %q in the log:\n%s", test.line, log)
			}
			top := got.Mounts[slices.IndexFunc(got.Mounts, func(m report.Mount) bool { return m.Point == "/" && m.ID != m.Parent })]
			if has := strings.Contains(","+top.Super+",", ",size="); has != (test.size != "") || !strings.Contains(top.Super, test.size) {
				t.Errorf("got a root with %q, want %q in it", top.Super, test.size)
			}
		})
	}
}
