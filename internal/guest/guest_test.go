//go:build linux

package main_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mkinitfs/mkinitfs/internal/guest/report"
	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestGuest boots a tree packed by the system's cpio, as a plain initramfs, and
// wants the guest to see what is here.
func TestGuest(t *testing.T) {
	kernel := testenv.Kernel(t, "amd64")
	testenv.Tool(t, "qemu-system-x86_64")
	root := tree(t)
	image := pack(t, root)

	tests := []struct {
		name    string
		machine qemu.Machine
		args    []string
		files   []report.File
	}{
		{
			"console", qemu.Machine{Append: "one two", CPUs: 2}, []string{"/init", "one", "two"},
			[]report.File{{FD: 0, Mount: 1, Path: "/dev/console"}, {FD: 1, Mount: 1, Path: "/dev/console"}, {FD: 2, Mount: 1, Path: "/dev/console"}},
		},
		{
			"no console", qemu.Machine{NoConsole: true}, []string{"/init"},
			[]report.File{{FD: 0, Mount: 1, Path: "/dev/null"}, {FD: 1, Mount: 1, Path: "/dev/null"}, {FD: 2, Mount: 1, Path: "/dev/null"}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := test.machine
			m.Arch, m.Kernel, m.Image = "amd64", kernel, image
			m.NoKVM, m.Timeout = true, testenv.Timeout(t)
			m.Append += " mkinitfs.nonce=" + test.name[:2]
			defer testenv.Slot(t)()
			result, err := m.Boot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got, err := report.Parse(result.Output, test.name[:2])
			if err != nil {
				t.Fatalf("%v\n%s", err, result.Output)
			}
			if err := result.Err(); err != nil {
				t.Error(err)
			}

			if diff := cmp.Diff(lstat(t, root), got.Entries, cmpopts.IgnoreFields(report.Entry{}, "Ino", "Blocks")); diff != "" {
				t.Errorf("entries (-here +guest):\n%s", diff)
			}
			if a, b := got.Entry("/bin/one"), got.Entry("/bin/two"); a.Ino != b.Ino {
				t.Errorf("got inodes %d and %d of two names of a file, want one", a.Ino, b.Ino)
			}
			if big := got.Entry("/init"); big.Blocks*512 < big.Size {
				t.Errorf("got %d blocks for %d bytes, want all of them", big.Blocks, big.Size)
			}
			if diff := cmp.Diff(test.args, got.Args); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
			if !slices.Contains(got.Env, "HOME=/") {
				t.Errorf("got environment %q, want HOME=/ in it", got.Env)
			}
			if diff := cmp.Diff(test.files, got.Files); diff != "" {
				t.Errorf("open files (-want +got):\n%s", diff)
			}
			mounts := []report.Mount{{ID: 1, Parent: 1, Root: "/", Point: "/", Options: "rw", Type: "rootfs", Source: "rootfs"}}
			if diff := cmp.Diff(mounts, got.Mounts, cmpopts.IgnoreFields(report.Mount{}, "Super")); diff != "" {
				t.Errorf("mounts (-want +got):\n%s", diff)
			}
			if want := "pivot_root: invalid argument"; got.Pivot != want {
				t.Errorf("got %q of pivot_root, want %q", got.Pivot, want)
			}
			if got.Uptime <= 0 || got.Free <= 0 || got.Free >= got.Total || got.Total > 256<<20 {
				t.Errorf("got uptime %v, %d of %d bytes free, want them to make sense", got.Uptime, got.Free, got.Total)
			}
		})
	}
}

// tree makes a directory with some of everything that needs no privilege, and the
// directories that the kernel brings along in an archive of its own, so that ours,
// which comes later, settles their times.
func tree(t *testing.T) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root")
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"", "bin", "dev", "root", "deep", "deep/er", "name \"with\"\nall"} {
		check(os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(root, "init"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	check(os.WriteFile(filepath.Join(root, "bin/one"), []byte("one and two\n"), 0o600))
	check(os.Link(filepath.Join(root, "bin/one"), filepath.Join(root, "bin/two")))
	check(os.Chmod(filepath.Join(root, "bin/one"), 0o755|fs.ModeSetuid))
	check(os.WriteFile(filepath.Join(root, "deep/er/empty"), nil, 0o600))
	check(os.Symlink("../bin/one two", filepath.Join(root, "deep/link")))
	check(syscall.Mkfifo(filepath.Join(root, "deep/fifo"), 0o640))
	check(os.Chmod(filepath.Join(root, "deep"), 0o711|fs.ModeSticky))
	// The deepest first, since it changes the time of the one above.
	for i, name := range []string{"name \"with\"\nall", "deep/er", "deep", "bin/one", "bin", "dev", "root", ""} {
		when := time.Unix(int64(1e9+i), 0)
		check(os.Chtimes(filepath.Join(root, name), when, when))
	}
	return root
}

// pack returns the path of an image with what is in root and, as only the
// superuser could make them here, the nodes that every root should have.
func pack(t *testing.T, root string) string {
	t.Helper()
	var names bytes.Buffer
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		names.WriteString(name + "\x00")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	cpio := exec.Command(testenv.Tool(t, "cpio"), "--quiet", "--null", "-o", "-H", "newc")
	cpio.Dir = root
	cpio.Stdin = &names
	archive, err := cpio.Output()
	if err != nil {
		t.Fatalf("%v: %v", cpio, err)
	}

	// Directory times are set at the very end and the latest first, so that where
	// a directory comes twice the earlier archive has the last word.
	var nodes bytes.Buffer
	for _, h := range []struct {
		name                      string
		mode, major, minor, nlink int
	}{
		{"dev", 0o40755, 0, 0, 2},
		{"dev/console", 0o20600, 5, 1, 1},
		{"dev/null", 0o20666, 1, 3, 1},
		{"TRAILER!!!", 0, 0, 0, 1},
	} {
		fmt.Fprintf(&nodes, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
			0, h.mode, 0, 0, h.nlink, 0, 0, 0, 0, h.major, h.minor, len(h.name)+1, 0, h.name)
		nodes.Write(make([]byte, -nodes.Len()&3))
	}
	path := filepath.Join(t.TempDir(), "guest.img")
	if err := os.WriteFile(path, append(archive, nodes.Bytes()...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// lstat returns what the guest should see: root, and what pack adds to it.
func lstat(t *testing.T, root string) []report.Entry {
	t.Helper()
	entries := []report.Entry{
		{Path: "/dev/console", Mode: 0o20600, Nlink: 1, Major: 5, Minor: 1},
		{Path: "/dev/null", Mode: 0o20666, Nlink: 1, Major: 1, Minor: 3},
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		stat := info.Sys().(*syscall.Stat_t)
		name, _ := strings.CutPrefix(path, root)
		e := report.Entry{Path: name, Mode: stat.Mode, UID: stat.Uid, GID: stat.Gid, Nlink: uint64(stat.Nlink), MTime: int64(stat.Mtim.Sec)}
		switch {
		case name == "":
			e.Path = "/"
		case info.Mode().IsRegular():
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sum := sha256.Sum256(content)
			e.Size, e.SHA256 = stat.Size, hex.EncodeToString(sum[:])
		case info.Mode().Type() == fs.ModeSymlink:
			if e.Target, err = os.Readlink(path); err != nil {
				return err
			}
		}
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(entries, func(a, b report.Entry) int { return strings.Compare(a.Path, b.Path) })
	return entries
}
