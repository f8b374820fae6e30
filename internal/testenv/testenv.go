// Package testenv gives tests what they need from the machine they run on:
// system tools, a kernel to boot, a Debian root to pack. The scripts beside it
// fetch these things into the user's cache; "make test" runs them.
//
// A test that cannot get what it needs is skipped with the reason. That suits
// a developer's laptop and would make CI lie, so with MKINITFS_TEST_ALL=1 in
// the environment the same test fails instead. MKINITFS_TEST_FAST=1 skips the
// tests that boot.
package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Tool returns the path of the program called name.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, "%v (internal/testenv/packages.sh installs what the tests need)", err)
	}
	return path
}

// Matrix declares that t runs only in "make test-all".
func Matrix(t testing.TB) {
	t.Helper()
	if os.Getenv("MKINITFS_TEST_MATRIX") != "1" {
		t.Skip("make test-all runs this (MKINITFS_TEST_MATRIX=1)")
	}
}

// Sequential declares that t runs nothing concurrently, and is slow or fails under the race
// detector, which skips it.
func Sequential(t testing.TB) {
	t.Helper()
	if race {
		t.Skip("nothing here runs beside something else: not under the race detector")
	}
}

// Kernel returns the path of the kernel that kernel.sh calls name.
func Kernel(t testing.TB, name string) string {
	t.Helper()
	Boots(t)
	return cached(t, "kernel.sh "+name, "kernels", name, "vmlinuz")
}

// KernelModules returns the path of the modules of Debian's kernel amd64-pc: a directory
// called like the kernel's version, as its package has it, without the files of depmod.
func KernelModules(t testing.TB) string {
	t.Helper()
	modules := cached(t, "kernel.sh amd64-pc", "kernels", "amd64-pc", "modules")
	versions, err := os.ReadDir(modules)
	if err != nil || len(versions) != 1 {
		t.Fatalf("want one directory in %s: %v, %v", modules, versions, err)
	}
	return filepath.Join(modules, versions[0].Name())
}

// DebianRoot returns the path of a tarball with a small Debian root that has
// runc and crun in it, some 130 MB.
func DebianRoot(t testing.TB) string {
	t.Helper()
	return cached(t, "debian-root.sh", "roots", "debian-bookworm-runc-crun.tar")
}

// Busybox returns the path of a static busybox for an architecture, as dpkg calls
// it.
func Busybox(t testing.TB, arch string) string {
	t.Helper()
	return cached(t, "busybox.sh "+arch, "busybox", arch)
}

// Klibc returns the path of a directory with the programs of Debian's klibc for amd64,
// and their library, in the places that they have in a root.
func Klibc(t testing.TB) string {
	t.Helper()
	return cached(t, "klibc.sh", "klibc", "amd64")
}

// Dropbear returns the path of a directory with Debian's dropbear for amd64 and its libraries,
// laid out like a root.
func Dropbear(t testing.TB) string {
	t.Helper()
	return cached(t, "dropbear.sh", "dropbear", "amd64")
}

// SELinuxPolicy returns the path of a tarball with the SELinux policy of Debian, as
// a root has it in /etc/selinux, of type default, and the tools to load it and to
// look at labels.
func SELinuxPolicy(t testing.TB) string {
	t.Helper()
	return cached(t, "selinux-policy.sh", "policies", "debian-bookworm.tar")
}

// Sysroot returns the path of a directory with unpacked packages of Debian for an architecture,
// as dpkg calls it: bash, ip, nft and their libraries. A large one has many more programs.
func Sysroot(t testing.TB, arch string, large bool) string {
	t.Helper()
	size := "small"
	if large {
		size = "large"
	}
	return cached(t, "sysroot.sh "+arch+" "+size, "sysroots", arch+"-"+size)
}

// cached returns the path of a file that script leaves in the user's cache.
// Tests never fetch: they would do it at the same time and offline.
func cached(t testing.TB, script string, elem ...string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		Missing(t, "%v", err)
	}
	path := filepath.Join(append([]string{cache, "mkinitfs"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		Missing(t, "%v (internal/testenv/%s makes it)", err, script)
	}
	return path
}

// Missing ends a test that lacks something.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("MKINITFS_TEST_ALL") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
