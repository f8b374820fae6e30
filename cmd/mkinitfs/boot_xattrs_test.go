package main

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/internal/guest/report"
	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// xattrItems have extended attributes that every tmpfs takes. One is a program that
// may open a raw socket.
func xattrItems(t *testing.T) string {
	t.Helper()
	return `  - {type: go, src: "` + repository(t) + `/internal/guest", dst: /usr/bin/raw, capabilities: [cap_net_raw+ep]}
  - {type: dir, dst: /noted, xattrs: {trusted.note: "of a directory", security.odd: {hex: "00ff5c0a20"}}}
  - {type: file, dst: /noted/file, content: x, owner: "7:8", mode: 04711, xattrs: {trusted.empty: "", trusted.note: "of a file"}, links: [/noted/other]}
  - {type: symlink, dst: /noted/link, target: /nowhere, xattrs: {trusted.note: of a link}}
  - {type: char, dst: /noted/node, dev: "1:3", xattrs: {trusted.note: of a node}}`
}

const userItem = "  - {type: file, dst: /noted/by-user, content: x, xattrs: {user.note: of a user}}"

// compareRaw checks that an ordinary user can open a raw socket with the program that has the
// capability, and with no other.
func compareRaw(t *testing.T, got *report.Report) {
	t.Helper()
	want := []report.Raw{{Path: "/usr/bin/raw"}, {Path: got.Args[0], Result: "operation not permitted"}}
	if diff := cmp.Diff(want, got.Raw); diff != "" {
		t.Errorf("raw sockets (-want +got):\n%s", diff)
	}
}

// TestBootXattrs boots roots with extended attributes, and checks the attributes that the
// kernel takes, and the warning about the others.
func TestBootXattrs(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	const refused = "mkinitfs: extended attributes not set: "
	const userRefused = "user.note of /noted/by-user: operation not supported"
	taken := func(name string) bool { return !strings.HasPrefix(name, "user.") }
	all, none := func(string) bool { return true }, func(string) bool { return false }
	tests := []struct {
		name, root, kernel, words string
		taken                     func(name string) bool
		log                       string
		always                    bool
	}{
		{name: "tmpfs", root: "tmpfs", kernel: "amd64", taken: taken, log: userRefused + "\n", always: true},
		{name: "bind", root: "bind", kernel: "amd64", taken: taken, log: userRefused + "\n", always: true},
		{name: "newest tmpfs", root: "tmpfs", kernel: "amd64-sid", taken: all},
		{name: "newest bind", root: "bind", kernel: "amd64-sid", taken: all},
		{
			name: "ramfs", root: "bind", kernel: "amd64", words: "rootfstype=ramfs", taken: none,
			log: "security.capability of /usr/bin/raw: operation not supported; security.odd of /noted: operation not supported; " +
				"trusted.empty of /noted/file: operation not supported; and 5 more\n",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if !test.always {
				testenv.Matrix(t)
			}
			img, _ := buildImage(t, sizedManifest(t, 4, xattrItems(t), userItem, "root: {type: "+test.root+"}"))
			want := expected(t, img)
			for i := range want {
				maps.DeleteFunc(want[i].Xattrs, func(name, _ string) bool { return !test.taken(name) })
				if len(want[i].Xattrs) == 0 {
					want[i].Xattrs = nil
				}
			}
			got, log := bootGuest(t, img, qemu.Machine{Arch: "amd64", Kernel: testenv.Kernel(t, test.kernel), Append: test.words})
			if test.root == "bind" {
				want = withKernelDir(want, got)
			}
			compare(t, want, got)
			if test.taken("security.capability") {
				compareRaw(t, got)
			}
			log = strings.ReplaceAll(log, "\r", "")
			if strings.Contains(log, refused) != (test.log != "") || !strings.Contains(log, refused+test.log) && test.log != "" {
				t.Errorf("got another log, want %q:\n%s", test.log, log)
			}
		})
	}
	t.Run("required", func(t *testing.T) {
		t.Parallel()
		img, _ := buildImage(t, sizedManifest(t, 4, userItem, "root: {xattrs: required}"))
		wantFailure(t, img, qemu.Machine{}, "restore extended attributes: extended attributes not set: "+userRefused, "hint: tmpfs takes security.* and trusted.*")
	})
}
