package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestBootOnce boots roots with some files outside of the members. These arrive with content,
// owner, mode, time, attributes and all of their names, whatever root.extra says.
func TestBootOnce(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	for _, test := range []struct {
		name, line string
		matrix     bool
	}{
		{"merge", "root: {extra: merge}", false},
		{"drop", "root: {extra: drop}", false},
		{"error", "root: {extra: error}", true},
		{"stream", "output: {layout: stream}", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.matrix {
				testenv.Matrix(t)
			}
			img, _ := buildImage(t, onceManifest(t, test.line))
			want := expected(t, img)
			got, _ := bootGuest(t, img, qemu.Machine{})
			compare(t, want, got)
			if e := got.Entry("/usr/lib/firmware/x"); e == nil || e.Size != 300_000 || e.Nlink != 2 || e.Xattrs["trusted.a"] != "b" {
				t.Errorf("/usr/lib/firmware/x: got %+v, want 300000 bytes with two names and an attribute", e)
			}
		})
	}
	for _, test := range []struct {
		name string
		left float64 // of the last segment
		text string
	}{
		{"cut", 0.5, "copy what boot names: the kernel unpacked only a part of /usr/lib/firmware/y"},
		{"missing", 0, "copy what boot names: the kernel did not unpack /usr/lib/firmware/y"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			img, built := buildImage(t, onceManifest(t, "compress: none"))
			data := readFile(t, img)
			last := built.Segments[len(built.Segments)-1]
			writeFile(t, img, []byte(data[:last.Offset+int64(test.left*float64(last.Size))]))
			wantFailure(t, img, qemu.Machine{}, test.text, "hint: the kernel says why")
		})
	}
}

// onceManifest describes a root with firmware in the boot segment.
func onceManifest(t *testing.T, lines ...string) string {
	t.Helper()
	firmware := t.TempDir() + "/x"
	if err := os.WriteFile(firmware, make([]byte, 300_000), 0o644); err != nil {
		t.Fatal(err)
	}
	return guestManifest(t, append([]string{
		"  - {type: symlink, dst: /lib, target: usr/lib}",
		fmt.Sprintf("  - {type: file, src: %q, dst: /lib/firmware/x, mode: 04750, owner: \"7:8\", mtime: 1234567890, links: [/usr/lib/firmware/y], xattrs: {trusted.a: b}}", firmware),
		"  - {type: dir, dst: /usr/lib/firmware, mode: 02711, mtime: 1111111111}",
		"boot: [/lib/firmware/x, /etc/owned]",
	}, lines...)...)
}
