package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/internal/guest/report"
	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// policyItem adds Debian's policy to a root.
func policyItem(t *testing.T) string {
	t.Helper()
	return `  - {type: tar, src: "` + testenv.SELinuxPolicy(t) + `"}`
}

// TestBootSELinux boots roots that are labelled by their own policy, and compares the labels
// with libselinux's.
func TestBootSELinux(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	tests := []struct {
		name, root, kernel, words string
		log                       string
		always                    bool
	}{
		{name: "tmpfs", root: "tmpfs", kernel: "amd64", words: "security=selinux", always: true},
		{name: "bind", root: "bind", kernel: "amd64", words: "security=selinux"},
		{name: "ramfs beneath", root: "tmpfs", kernel: "amd64", words: "security=selinux rootfstype=ramfs"},
		{name: "newest kernel", root: "tmpfs", kernel: "amd64-sid", words: "security=selinux"},
		{name: "newest kernel, bind", root: "bind", kernel: "amd64-sid", words: "security=selinux"},
		{
			name: "another security module", root: "tmpfs", kernel: "amd64",
			log: "mkinitfs: mount selinuxfs: no such device; SELinux is not in this kernel, or off",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if !test.always {
				testenv.Matrix(t)
			}
			img, _ := buildImage(t, sizedManifest(t, 4, policyItem(t), "root: {type: "+test.root+"}", "selinux: {type: default}"))
			got, log := bootGuest(t, img, qemu.Machine{Arch: "amd64", Kernel: testenv.Kernel(t, test.kernel), Append: test.words})
			if test.root == "tmpfs" {
				compare(t, expected(t, img), got)
			}
			compareLabels(t, got.Entries)
			said := ""
			for l := range strings.Lines(log) {
				if strings.Contains(l, "mkinitfs: ") && strings.Contains(l, "SELinux") {
					said += l
				}
			}
			if n := strings.Count(said, "\n"); n > 1 || (n == 1) != (test.log != "") || !strings.Contains(said, test.log) {
				t.Errorf("got %q in the log, want %q", said, test.log)
			}
		})
	}
}

// compareLabels compares the labels of a booted root with libselinux's. The first name of a
// file counts.
func compareLabels(t *testing.T, entries []report.Entry) {
	t.Helper()
	contexts := t.TempDir()
	unpack := exec.Command("tar", "-xf", testenv.SELinuxPolicy(t), "-C", contexts)
	if out, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", unpack, err, out)
	}
	kinds := map[uint32]string{
		cpio.TypeFile: "file", cpio.TypeDir: "dir", cpio.TypeLink: "lnk_file", cpio.TypeChar: "chr_file",
		cpio.TypeBlock: "blk_file", cpio.TypeFIFO: "pipe", cpio.TypeSocket: "sock_file",
	}
	seen := map[uint64]bool{}
	paths, labels := map[string][]string{}, map[string][]string{}
	for _, e := range entries {
		if seen[e.Ino] || e.Path == "/root" { // the kernel makes /root
			continue
		}
		seen[e.Ino] = true
		kind := kinds[e.Mode&cpio.TypeMask]
		paths[kind] = append(paths[kind], e.Path)
		labels[kind] = append(labels[kind], strings.TrimSuffix(e.Xattrs["security.selinux"], "\x00"))
	}
	if len(seen) < 50 {
		t.Errorf("got %d files, want a whole root", len(seen))
	}
	for kind, paths := range paths {
		out, err := exec.Command(testenv.Tool(t, "matchpathcon"), append([]string{"-n", "-m", kind, "-f",
			contexts + "/etc/selinux/default/contexts/files/file_contexts"}, paths...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		wants := strings.Fields(string(out))
		if len(wants) != len(paths) {
			t.Fatalf("got %d labels of libselinux for %d paths", len(wants), len(paths))
		}
		for i, want := range wants {
			if got := labels[kind][i]; got != want && want != "<<none>>" {
				t.Errorf("%s: got label %q, libselinux says %q", paths[i], got, want)
			}
		}
	}
}

// TestBootSELinuxPolicies boots with policies that the kernel refuses.
func TestBootSELinuxPolicies(t *testing.T) {
	t.Parallel()
	testenv.Matrix(t)
	testenv.Boots(t)
	img, _ := buildImage(t, smallManifest(t, `  - {type: file, dst: /etc/selinux/x/policy/policy.99, content: no policy}
  - {type: file, dst: /etc/selinux/x/contexts/files/file_contexts, content: "/.* u:r:x\n"}`, "selinux: {type: x}"))
	wantFailure(t, img, qemu.Machine{Append: "security=selinux"},
		"load the SELinux policy: load /etc/selinux/x/policy/policy.99: invalid argument",
		"hint: this kernel takes policies up to version 33; with selinux=0 or security=none it boots without")
	bootGuest(t, img, qemu.Machine{Append: "security=none"}) // Debian's kernel does not know selinux=0
}

// TestBootSELinuxExample boots the Debian root of examples/selinux, where load_policy loads
// the policy once more. restorecon finds nothing to do except for one label that is wrong on
// purpose.
func TestBootSELinuxExample(t *testing.T) {
	t.Parallel()
	testenv.Matrix(t)
	testenv.Boots(t)
	root := filepath.Join(t.TempDir(), "rootfs.tar")
	if out, err := exec.Command("cp", testenv.DebianRoot(t), root).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command("tar", "-A", "-f", root, testenv.SELinuxPolicy(t)).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for kind, words := range map[string]string{"tmpfs": "enforcing=1", "bind": ""} {
		t.Run(kind+" "+words, func(t *testing.T) {
			t.Parallel()
			img := filepath.Join(t.TempDir(), "selinux.img")
			manifest := filepath.Join(repository(t), "examples/selinux/selinux.yaml")
			cmd := exec.Command(commandPath(t), "build", manifest, "-D", "rootfs="+root, "-D", "type="+kind, "-o", img)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("build: %v\n%s", err, out)
			}
			result := boot(t, img, qemu.Machine{MemoryMiB: 1024, CPUs: 2, Append: "security=selinux " + words})
			for _, want := range []string{
				"init runs as system_u:system_r:init_t:s0",
				"load_policy: exit status 0, enforce is " + map[string]string{"enforcing=1": "1", "": "0"}[words],
				"Would relabel /etc/odd from system_u:object_r:tmp_t:s0 to system_u:object_r:etc_t:s0\n",
				"restorecon: exit status 0, 1 wrong labels",
			} {
				if !bytes.Contains(result.Output, []byte(want)) {
					t.Errorf("no %q on the console:\n%s", want, result.Output)
				}
			}
		})
	}
}
