package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/guest/report"
	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestBootRootfsCpio takes over a rootfs.cpio.xz by GNU cpio, with nodes, sockets and hard links,
// and then takes over the resulting image. Its root is still the one of the archive, and
// pivot_root(2) works.
func TestBootRootfsCpio(t *testing.T) {
	testenv.Boots(t)
	rootfs := rootfsCpio(t)
	img := rootfs
	for _, root := range []string{"none", "bind", "tmpfs"} {
		img = buildFrom(t, img, "--root", root)
	}
	got, _ := bootGuest(t, img, qemu.Machine{})
	if got.Pivot != "" {
		t.Errorf("got %q of pivot_root, want it to work", got.Pivot)
	}
	// The top of an archive does not become that of the root.
	want := slices.DeleteFunc(expected(t, rootfs), func(e report.Entry) bool { return e.Path == "/" })
	got.Entries = slices.DeleteFunc(got.Entries, func(e report.Entry) bool { return e.Path == "/" })
	compare(t, want, got)
}

// buildFrom builds an image of an existing root.
func buildFrom(t *testing.T, root string, flags ...string) string {
	t.Helper()
	return buildWith(t, append([]string{"--from", root}, flags...)...)
}

// buildWith builds an image with arguments of the command.
func buildWith(t *testing.T, args ...string) string {
	t.Helper()
	img := filepath.Join(t.TempDir(), "root.img")
	args = append([]string{"build", "-o", img, "--no-cache"}, args...)
	if status, _, words := mkinitfs(args...); status != 0 {
		t.Fatalf("build: exit status %d\n%s", status, words)
	}
	return img
}

// rootfsCpio makes a root of everything that a file system can hold, as Buildroot packs one.
func rootfsCpio(t *testing.T) string {
	t.Helper()
	testenv.Root(t, "make device nodes")
	testenv.Tool(t, "cpio")
	testenv.Tool(t, "xz")
	testenv.Tool(t, "busybox")
	dir := t.TempDir()
	top := filepath.Join(dir, "root")
	if err := os.Mkdir(top, 0o755); err != nil {
		t.Fatal(err)
	}
	compileGuest(t, filepath.Join(top, "init"))
	if err := syscall.Mknod(filepath.Join(top, "socket"), syscall.S_IFSOCK|0o750, 0); err != nil {
		t.Skipf("no socket can be made here: %v", err)
	}
	cmd := exec.Command("sh", "-ec", `cd "$0"
mkdir -p dev etc lib run/empty tmp usr/bin var
mknod dev/console c 5 1
mknod dev/null c 1 3
mknod -m 0640 dev/ram0 b 1 0
mkfifo -m 0620 run/fifo
cp init usr/bin/tool
ln usr/bin/tool usr/bin/other
ln usr/bin/tool lib/third
ln -s ../usr/bin/tool etc/link
ln -s /nowhere/at/all etc/dangling
: >etc/empty
echo secret >etc/shadow
chown 7:42 etc/shadow run/fifo
chmod 0600 etc/shadow
chmod 4755 usr/bin/tool
chmod 1777 tmp
chmod 2750 var
touch -h -d @1234567890 etc/shadow etc/link var
find . | LC_ALL=C sort | cpio -o --quiet -H newc | xz -9 --check=crc32 >../rootfs.cpio.xz`, top)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("no nodes can be made here: %v\n%s", err, out)
	}
	return filepath.Join(dir, "rootfs.cpio.xz")
}

// TestBootTarball takes over a Debian root as debootstrap makes it, in a compressed tarball.
// Its program is the guest, to which the tarball's /sbin/init leads.
func TestBootTarball(t *testing.T) {
	testenv.Boots(t)
	testenv.Matrix(t)
	for name, pack := range map[string]string{"gz": "gzip -1", "zst": "zstd -q -1", "xz": "xz -0"} {
		t.Run(name, func(t *testing.T) {
			testenv.Tool(t, strings.Fields(pack)[0])
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "sbin"), 0o755); err != nil {
				t.Fatal(err)
			}
			compileGuest(t, filepath.Join(dir, "sbin/init"))
			rootfs := filepath.Join(dir, "rootfs.tar."+name)
			cmd := exec.Command("sh", "-ec", `cp "$1" "$0.tar"
chmod u+w "$0.tar"
tar -C "${0%/*}" -rf "$0.tar" --owner=0 --group=0 --transform=s,sbin,usr/sbin, sbin/init
`+pack+` <"$0.tar" >"$0"
rm "$0.tar"`, rootfs, testenv.DebianRoot(t))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			img := buildFrom(t, rootfs)
			got, _ := bootGuest(t, img, qemu.Machine{MemoryMiB: 1024})
			if got.Pivot != "" {
				t.Errorf("got %q of pivot_root, want it to work", got.Pivot)
			}
			compare(t, expected(t, img), got)
		})
	}
}
