package main

import (
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// xattrItems are contents with extended attributes that every tmpfs takes.
const xattrItems = `
  - {type: dir, dst: /labelled, xattrs: {trusted.note: "of a folder", security.odd: {hex: "00ff5c0a20"}}}
  - {type: file, dst: /labelled/file, content: x, owner: "7:8", mode: 04711, xattrs: {trusted.empty: "", trusted.note: "of a file"}, links: [/labelled/other]}
  - {type: symlink, dst: /labelled/link, target: /nowhere, xattrs: {trusted.note: of a link}}
  - {type: char, dst: /labelled/node, dev: "1:3", xattrs: {trusted.note: of a node}}`

// TestBootXattrs boots roots with extended attributes and wants them in place.
func TestBootXattrs(t *testing.T) {
	testenv.Boots(t)
	for _, root := range []string{"tmpfs", "bind"} {
		t.Run(root, func(t *testing.T) {
			img, _ := buildImage(t, sizedManifest(t, 4, xattrItems, "root: {type: "+root+", xattrs: required}"))
			got, log := bootGuest(t, img, qemu.Machine{})
			want := expected(t, img)
			if root == "bind" {
				want = withKernelFolder(want, got)
			}
			compare(t, want, got)
			if strings.Contains(log, "mkinitfs: extended attributes") {
				t.Errorf("got words about extended attributes:\n%s", log)
			}
		})
	}
}
