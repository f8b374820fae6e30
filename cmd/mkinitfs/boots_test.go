package main

import (
	stdcmp "cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mkinitfs/mkinitfs/builder"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/internal/guest/report"
	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// The tests in this file and in boot_test.go build images with the command itself
// and boot them on a Debian kernel. In most of them init is the guest program of
// internal/guest, which reports every entry of its root.

// buildImage runs the command on a manifest and returns the image and the report.
func buildImage(t *testing.T, manifest string, flags ...string) (string, *builder.Report) {
	t.Helper()
	dir := t.TempDir()
	file, img := filepath.Join(dir, "root.yaml"), filepath.Join(dir, "root.img")
	if err := os.WriteFile(file, []byte(manifest), 0o644); err != nil {
		t.Fatal(err)
	}
	status, out, words := mkinitfs(append([]string{"build", file, "-o", img, "--json", "--no-cache"}, flags...)...)
	if status != 0 {
		t.Fatalf("build: exit status %d\n%s", status, words)
	}
	var r builder.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	return img, &r
}

// commandPath returns the path of the command under test. It is this test binary, which
// TestMain runs as mkinitfs when it is called by that name.
func commandPath(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("mkinitfs")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// boot boots an image to its end, by emulation. Some machines with KVM start a kernel and
// then hang.
func boot(t *testing.T, img string, m qemu.Machine) *qemu.Result {
	t.Helper()
	if m.Kernel == "" {
		testenv.Tool(t, "qemu-system-x86_64")
		m.Arch, m.Kernel = "amd64", testenv.Kernel(t, "amd64")
	}
	m.Image, m.NoKVM, m.Timeout = img, true, stdcmp.Or(m.Timeout, testenv.Timeout(t))
	keep(t, m)
	defer testenv.Slot(t)()
	result, err := m.Boot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// bootGuest boots an image with the guest program as init. It returns the guest's report and
// the serial log.
func bootGuest(t *testing.T, img string, m qemu.Machine) (*report.Report, string) {
	t.Helper()
	nonce := fmt.Sprint(rand.Uint64())
	m.Append = "mkinitfs.nonce=" + nonce + " " + m.Append // words behind -- are not for the kernel
	result := boot(t, img, m)
	got, err := report.Parse(result.Output, nonce)
	if err == nil {
		err = result.Err()
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, result.Output)
	}
	return got, string(result.Output)
}

// expected returns the entries that a root should have according to our reader of the image.
// Other tests compare this reader with other tools.
func expected(t *testing.T, img string) []report.Entry {
	t.Helper()
	f, err := os.Open(img)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sums := map[int64]string{} // by the number of the entry
	_, err = image.Walk(f, func(e *image.Entry, body io.Reader) error {
		if e.Type() != cpio.TypeFile || strings.Contains(e.Name, ".mkinitfs/root.") {
			return nil
		}
		h := sha256.New()
		_, err := io.Copy(h, body)
		sums[e.Number()] = hex.EncodeToString(h.Sum(nil))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Seek(0, io.SeekStart)
	entries, _, err := image.List(f)
	if err != nil {
		t.Fatal(err)
	}
	var want []report.Entry
	for i := range entries {
		e := &entries[i]
		w := report.Entry{
			Path: e.Path(), Mode: e.Mode, UID: e.UID, GID: e.GID, MTime: e.MTime, Nlink: uint64(e.Nlink),
			Major: e.RdevMajor, Minor: e.RdevMinor, Target: e.Link, Xattrs: e.Xattrs,
		}
		if e.Mode&cpio.TypeMask == cpio.TypeFile {
			w.Size, w.SHA256 = e.Size, sums[e.Content()]
		}
		want = append(want, w)
	}
	return want
}

// compare compares the guest's root with the plan, entry by entry. It ignores the link counts
// of directories, which depend on the file system.
func compare(t *testing.T, want []report.Entry, got *report.Report) {
	t.Helper()
	dirs := cmpopts.AcyclicTransformer("dirs", func(e report.Entry) report.Entry {
		if e.Mode&cpio.TypeMask == cpio.TypeDir {
			e.Nlink = 0
		}
		return e
	})
	ignored := cmpopts.IgnoreFields(report.Entry{}, "Ino", "Blocks")
	if diff := cmp.Diff(want, got.Entries, dirs, ignored); diff != "" {
		t.Errorf("root (-plan +guest):\n%s", diff)
	}
	for _, e := range got.Entries {
		if e.Blocks*512 < e.Size {
			t.Errorf("%s: got %d blocks for %d bytes, want all of them", e.Path, e.Blocks, e.Size)
		}
	}
}

// guestManifest returns a manifest with every type of item and the guest as init. lines are
// added to it.
func guestManifest(t *testing.T, lines ...string) string {
	t.Helper()
	return sizedManifest(t, 200, lines...)
}

// smallManifest is guestManifest with so few files that the root is one member. In emulation
// each MiB less saves a good part of a second.
func smallManifest(t *testing.T, lines ...string) string {
	t.Helper()
	return sizedManifest(t, 10, lines...)
}

// sizedManifest is guestManifest with a number of files of 100 KiB.
func sizedManifest(t *testing.T, files int, lines ...string) string {
	t.Helper()
	return strings.Join(append([]string{`version: 1
name: guest
contents:
  - {type: go, src: "` + repository(t) + `/internal/guest", dst: /usr/sbin/guest}
  - {type: symlink, dst: /sbin, target: usr/sbin}
  - {type: symlink, dst: /sbin/init, target: /sbin/guest}
  - {type: tree, src: "` + sampleTree(t, files) + `", dst: /, mtime: keep}
  - {type: dir, dst: /usr/empty, mode: 02750, owner: "7:8", mtime: 1000000000}
  - {type: dir, dst: /tmp, mode: 01777}
  - {type: file, dst: /usr/bin/su, content: "not really", mode: 04755, owner: "0:42", links: [/usr/bin/sudo, /opt/su]}
  - {type: file, dst: /etc/owned, content: x, mode: 06711, owner: "65534:4294967294", mtime: 4294967295}
  - {type: file, dst: /etc/empty, content: ""}
  - {type: hardlink, dst: /opt/guest, target: /sbin/guest}
  - {type: symlink, dst: /etc/long, target: "` + strings.Repeat("../etc/", 40) + `owned", mtime: 1234567890}
  - {type: char, dst: /dev/ttyS0, dev: "4:64", mode: 0620, owner: "0:5"}
  - {type: block, dst: /dev/loop200, dev: "7:200", mode: 0660}
  - {type: char, dst: /dev/large, dev: "4095:1048575"}
  - {type: fifo, dst: /usr/fifo, mode: 0600}
  - {type: socket, dst: /usr/socket}
`}, lines...), "\n")
}

// sampleTree makes files of 100 KiB in directories with different times. Half of the files do
// not compress. From 170 files on a root has several members.
func sampleTree(t *testing.T, files int) string {
	t.Helper()
	top := t.TempDir()
	random := rand.NewChaCha8([32]byte{1})
	for i := range files {
		dir := filepath.Join(top, "srv", fmt.Sprintf("directory %d", i%12))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		data := make([]byte, 100<<10+i)
		if i%2 == 0 {
			random.Read(data)
		}
		file := filepath.Join(dir, fmt.Sprintf("Dätei%d", i))
		if err := os.WriteFile(file, data, 0o640); err != nil {
			t.Fatal(err)
		}
		when := time.Unix(1500000000+int64(i), 0)
		for _, path := range []string{file, dir} {
			if err := os.Chtimes(path, when, when); err != nil {
				t.Fatal(err)
			}
		}
	}
	return top
}

// repository returns the directory of the module.
func repository(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// debianManifest packs the cached Debian root, with lines added.
func debianManifest(t *testing.T, lines ...string) string {
	t.Helper()
	return strings.Join(append([]string{"version: 1", "name: debian"}, append(lines,
		"contents:",
		"  - {type: tar, src: \""+testenv.DebianRoot(t)+"\"}",
		"  - {type: go, src: \""+repository(t)+"/internal/guest\", dst: /sbin/guest}")...), "\n")
}
