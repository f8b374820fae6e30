//go:build linux

package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// describe lists what is below dir: mode, mtime, path and text, target or device;
// of what has several names also how many.
func describe(t *testing.T, dir string) []string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st syscall.Stat_t
		if err := syscall.Lstat(path, &st); err != nil {
			return err
		}
		line := fmt.Sprintf("%o %d /%s", st.Mode, int64(st.Mtim.Sec), strings.TrimPrefix(path[len(dir):], "/"))
		switch kind(&st) {
		case syscall.S_IFREG:
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += " " + string(text)
		case syscall.S_IFLNK:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			line = "link /" + path[len(dir)+1:] + " -> " + target // mode and time say nothing
		case syscall.S_IFCHR:
			line += fmt.Sprintf(" %#x", uint64(st.Rdev))
		}
		if kind(&st) != syscall.S_IFDIR && st.Nlink > 1 {
			line += fmt.Sprintf(" (%d names)", st.Nlink)
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// setTimes gives everything below dir but symbolic links one time.
func setTimes(t *testing.T, dir string, seconds int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		return os.Chtimes(path, time.Unix(seconds, 0), time.Unix(seconds, 0))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// newMerger returns a merger that takes from one directory to another.
func newMerger(t *testing.T, from, to string) (*merger, *syscall.Stat_t) {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Lstat(from, &st); err != nil {
		t.Fatal(err)
	}
	return &merger{from: from, to: to, dev: uint64(st.Dev), ours: map[string]bool{
		"/kernel/x86/microcode": true, "/kernel/firmware/acpi": true,
		"/.mkinitfs": true, "/init": true, "/dev/console": true, "/dev/null": true, "/lib/firmware/ours.bin": true,
	}}, &st
}

// find looks for everything and returns what it has found.
func (m *merger) find(t *testing.T, st *syscall.Stat_t) []string {
	t.Helper()
	m.dry = true
	if err := m.directory("", st); err != nil {
		t.Fatal(err)
	}
	slices.Sort(m.found)
	return m.found
}

// merge takes everything and returns what was found.
func (m *merger) merge(t *testing.T, st *syscall.Stat_t) []string {
	t.Helper()
	m.find(t, st)
	m.settle()
	slices.Sort(m.found)
	if len(m.found) > 0 {
		if err := m.directory("", st); err != nil {
			t.Fatal(err)
		}
	}
	return m.found
}

// rootfs is what the kernel unpacked: what belongs to our image, and what does not.
func rootfs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	makeTree(t, dir, map[string]string{
		".mkinitfs/plan":          "",
		"init":                    "the stub",
		"dev/console":             "",
		"dev/null":                "",
		"root/":                   "",
		"lib/firmware/ours.bin":   "ours",
		"lib/firmware/theirs.bin": "theirs",
		".extra/cred/secret":      "secret",
		"etc/new.conf":            "new",
		"etc/replaced":            "theirs",
		"etc/linked":              "theirs",
		"etc/link":                "-> theirs",
		"bin/tool":                "tool",
		"opt/empty/":              "",
		"was-file/x":              "x",
		"was-dir":                 "no directory",
		"was-dangling/x":          "x",
		"one":                     "twice",
	})
	for name, mode := range map[string]uint32{".extra/cred/secret": 0o400, ".extra/cred": 0o700, "bin/tool": 0o4755, "opt/empty": 0o1777, "opt": 0o750} {
		if err := syscall.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(dir, "one"), filepath.Join(dir, "opt/two")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o620); err != nil {
		t.Fatal(err)
	}
	setTimes(t, dir, 2000)
	return dir
}

// target is a root that has been unpacked.
func target(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	makeTree(t, dir, map[string]string{
		"usr/bin/":              "",
		"bin":                   "-> usr/bin",
		"etc/replaced":          "ours, to be replaced",
		"etc/linked":            "-> passwd",
		"etc/passwd":            "root",
		"etc/link":              "a file",
		"lib/firmware/ours.bin": "ours",
		"was-file":              "a file",
		"was-dir/":              "",
		"was-dangling":          "-> nowhere",
	})
	for name, mode := range map[string]uint32{"": 0o755, "etc": 0o711} {
		if err := syscall.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	setTimes(t, dir, 1000)
	return dir
}

var theirs = []string{
	"/.extra/cred/secret", "/bin/tool", "/etc/link", "/etc/linked", "/etc/new.conf", "/etc/replaced", "/fifo",
	"/lib/firmware/theirs.bin", "/one", "/opt/empty", "/opt/two", "/was-dangling/x", "/was-dir", "/was-file/x",
}

func TestMerge(t *testing.T) {
	from, to := rootfs(t), target(t)
	m, st := newMerger(t, from, to)
	if diff := cmp.Diff(theirs, m.merge(t, st)); diff != "" {
		t.Errorf("found: -want +got\n%s", diff)
	}
	// Directories that were there keep their modes and times, others bring theirs.
	want := []string{
		"40755 1000 /",
		"40755 2000 /.extra",
		"40700 2000 /.extra/cred",
		"100400 2000 /.extra/cred/secret secret",
		"link /bin -> usr/bin",
		"40711 1000 /etc",
		"link /etc/link -> theirs",
		"100644 2000 /etc/linked theirs",
		"100644 2000 /etc/new.conf new",
		"100644 1000 /etc/passwd root",
		"100644 2000 /etc/replaced theirs",
		"10620 2000 /fifo",
		"40755 1000 /lib",
		"40755 1000 /lib/firmware",
		"100644 1000 /lib/firmware/ours.bin ours",
		"100644 2000 /lib/firmware/theirs.bin theirs",
		"100644 2000 /one twice (2 names)",
		"40750 2000 /opt",
		"41777 2000 /opt/empty",
		"100644 2000 /opt/two twice (2 names)",
		"40755 1000 /usr",
		"40755 1000 /usr/bin",
		"104755 2000 /usr/bin/tool tool",
		"40755 2000 /was-dangling",
		"100644 2000 /was-dangling/x x",
		"100644 2000 /was-dir no directory",
		"40755 2000 /was-file",
		"100644 2000 /was-file/x x",
	}
	if diff := cmp.Diff(want, describe(t, to)); diff != "" {
		t.Errorf("new root: -want +got\n%s", diff)
	}
	// Nothing is in memory twice.
	var left []string
	for _, line := range describe(t, from) {
		if f := strings.Fields(line); !strings.HasPrefix(f[0], "4") {
			left = append(left, f[2])
		}
	}
	wantLeft := []string{"/.mkinitfs/plan", "/dev/console", "/dev/null", "/init", "/lib/firmware/ours.bin"}
	if diff := cmp.Diff(wantLeft, left); diff != "" {
		t.Errorf("left on rootfs: -want +got\n%s", diff)
	}
}

func TestMergeDry(t *testing.T) {
	from, to := rootfs(t), target(t)
	wantFrom, wantTo := describe(t, from), describe(t, to)
	m, st := newMerger(t, from, to)
	if diff := cmp.Diff(theirs, m.find(t, st)); diff != "" {
		t.Errorf("found: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(wantFrom, describe(t, from)); diff != "" {
		t.Errorf("rootfs: -before +after\n%s", diff)
	}
	if diff := cmp.Diff(wantTo, describe(t, to)); diff != "" {
		t.Errorf("new root: -before +after\n%s", diff)
	}
}

// A boot without anything foreign leaves the new root as it is, even one that has
// none of the directories that our image or the kernel's own brings.
func TestMergeNothing(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	makeTree(t, from, map[string]string{".mkinitfs/plan": "", "init": "", "dev/console": "", "dev/null": "", "root/": ""})
	setTimes(t, to, 1000)
	want := describe(t, to)
	m, st := newMerger(t, from, to)
	if got := m.merge(t, st); len(got) > 0 {
		t.Errorf("found %q, want nothing", got)
	}
	if diff := cmp.Diff(want, describe(t, to)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// Directories and links of the root that are on rootfs, so that what is appended finds its
// place, are not taken for what was appended. What only the kernel wants stays behind.
func TestMergeShared(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	makeTree(t, from, map[string]string{
		".mkinitfs/plan": "", "init": "", "dev/console": "", "dev/null": "", "root/": "",
		"usr/lib/firmware/": "", "lib": "-> usr/lib", "srv/": "", "etc/": "",
		"kernel/x86/microcode/GenuineIntel.bin": "x", "kernel/firmware/acpi/dsdt.aml": "x",
	})
	makeTree(t, to, map[string]string{"usr/lib/firmware/": "", "lib": "-> usr/lib", "srv": "-> usr", "etc/a": "a"})
	setTimes(t, to, 1000)
	want := describe(t, to)
	m, st := newMerger(t, from, to)
	m.shared = true
	if got := m.merge(t, st); len(got) > 0 {
		t.Errorf("found %q, want nothing", got)
	}
	if diff := cmp.Diff(want, describe(t, to)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}

	// An archive brought these.
	makeTree(t, from, map[string]string{"etc/site.conf": "42", "opt/empty/": "", "lib64": "-> lib", "kernel/other": "x"})
	m, st = newMerger(t, from, to)
	m.shared = true
	found := []string{"/etc/site.conf", "/kernel/other", "/lib64", "/opt/empty"}
	if diff := cmp.Diff(found, m.merge(t, st)); diff != "" {
		t.Errorf("found: -want +got\n%s", diff)
	}
	var names []string
	for _, line := range describe(t, to) {
		names = append(names, strings.TrimPrefix(strings.SplitN(line, " /", 2)[1], "link "))
	}
	wantNames := []string{"", "etc", "etc/a a", "etc/site.conf 42", "kernel", "kernel/other x", "lib -> usr/lib", "lib64 -> lib",
		"opt", "opt/empty", "srv -> usr", "usr", "usr/lib", "usr/lib/firmware"}
	if diff := cmp.Diff(wantNames, names); diff != "" {
		t.Errorf("new root: -want +got\n%s", diff)
	}
}

// What cannot be done is said: a file never takes the place of a whole directory.
func TestMergeRefused(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	makeTree(t, from, map[string]string{"etc": "a file"})
	makeTree(t, to, map[string]string{"etc/passwd": "root"})
	m, st := newMerger(t, from, to)
	m.find(t, st)
	m.settle()
	err := m.directory("", st)
	if want := "replace " + to + "/etc: directory not empty"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

func TestMergeNodes(t *testing.T) {
	needRoot(t, "make device nodes")
	from, to := t.TempDir(), t.TempDir()
	path := filepath.Join(from, "large")
	const dev = 0x12345<<12&^0xfffff | 0xfff<<8 | 0x45 // 4095:minor, in the kernel's packing
	if err := syscall.Mknod(path, syscall.S_IFCHR|0o640, dev); err != nil {
		t.Skip(err)
	}
	if err := os.Chown(path, 7, 8); err != nil {
		t.Fatal(err)
	}
	want := describe(t, from)[1:]
	m, st := newMerger(t, from, to)
	m.merge(t, st)
	if diff := cmp.Diff(want, describe(t, to)[1:]); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	var got syscall.Stat_t
	if err := syscall.Lstat(filepath.Join(to, "large"), &got); err != nil || got.Uid != 7 || got.Gid != 8 {
		t.Errorf("owner: got %d:%d, %v, want 7:8", got.Uid, got.Gid, err)
	}
}

// privateMounts lets a test mount what nobody else sees and what goes with it.
func privateMounts(t *testing.T) {
	t.Helper()
	needRoot(t, "mount")
	runtime.LockOSThread() // for good: the thread ends with the test
	if err := syscall.Unshare(syscall.CLONE_NEWNS); err != nil {
		t.Skip(err)
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
}

// mountTmpfs mounts one with a file in it on a directory that it makes.
func mountTmpfs(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	makeTree(t, dir, map[string]string{"inside": "safe"})
}

func TestMergeStaysOutOfMounts(t *testing.T) {
	privateMounts(t)
	from, to := t.TempDir(), t.TempDir()
	mountTmpfs(t, from+"/mnt/disk")
	makeTree(t, from, map[string]string{"mnt/file": ""})
	m, st := newMerger(t, from, to)
	if diff := cmp.Diff([]string{"/mnt/file"}, m.merge(t, st)); diff != "" {
		t.Errorf("found: -want +got\n%s", diff)
	}
	if _, err := os.Stat(from + "/mnt/disk/inside"); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(to + "/mnt/disk"); !os.IsNotExist(err) {
		t.Errorf("the mount point in the new root: got %v, want none yet", err)
	}
}

func TestEmpty(t *testing.T) {
	from := rootfs(t)
	var st syscall.Stat_t
	if err := syscall.Lstat(from, &st); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(from+"/opt/large", make([]byte, 64<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	b := new(boot)
	if err := b.empty(from, uint64(st.Dev)); err != nil {
		t.Fatal(err)
	}
	if left := describe(t, from); len(left) != 1 {
		t.Errorf("got %q, want an empty directory", left)
	}
	if got := b.freed.Load(); got < 64<<10 {
		t.Errorf("got %d bytes freed, want 64 KiB at least", got)
	}
}

func TestEmptyStaysOutOfMounts(t *testing.T) {
	privateMounts(t)
	from := t.TempDir()
	makeTree(t, from, map[string]string{"a/b/c": "", "a/b/d/": "", "e": "", "outside": "-> /etc"})
	mountTmpfs(t, from+"/a/b/mnt")
	var st syscall.Stat_t
	if err := syscall.Lstat(from, &st); err != nil {
		t.Fatal(err)
	}
	if err := new(boot).empty(from, uint64(st.Dev)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, line := range describe(t, from) {
		got = append(got, strings.SplitN(line, " ", 3)[2])
	}
	if diff := cmp.Diff([]string{"/", "/a", "/a/b", "/a/b/mnt", "/a/b/mnt/inside safe"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if _, err := os.Stat("/etc"); err != nil {
		t.Error(err)
	}
}

func TestMoveAndMakeMounts(t *testing.T) {
	privateMounts(t)
	newroot, old := t.TempDir(), t.TempDir()
	makeTree(t, newroot, map[string]string{"usr/share/doc": "text", "share": "-> /usr/share", "mnt": "-> srv/mnt"})
	mountTmpfs(t, old+"/dev")
	b := &boot{
		newroot: newroot,
		kmsg:    nowhere(t),
		mounts: []mountInfo{
			{"1", "1", "/", "rootfs"}, {"20", "1", old + "/dev", "tmpfs"},
			{"21", "20", old + "/dev/pts", "devpts"}, {"22", "1", "/.mkinitfs/x", "tmpfs"},
		},
		plan: &bootplan.Plan{Mounts: []bootplan.Mount{
			{Type: "tmpfs", Source: "tmpfs", Target: old + "/dev", Options: "size=4k"}, // is there already
			{Type: "tmpfs", Source: "run", Target: "/run", Options: "mode=0700,nosuid,noexec"},
			{Type: "none", Source: "/share", Target: "/mnt/share", Options: "bind,ro"},
		}},
	}
	t.Cleanup(func() {
		for _, path := range []string{old + "/dev", "/run", "/srv/mnt/share"} {
			syscall.Unmount(newroot+path, syscall.MNT_DETACH)
		}
	})
	for _, step := range []func() error{b.moveMounts, b.makeMounts} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/mountinfo", syscall.Gettid()))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, line := range strings.Split(string(text), "\n") {
		f := strings.Fields(line)
		if len(f) > 5 && strings.HasPrefix(f[4], newroot+"/") {
			got = append(got, strings.TrimPrefix(f[4], newroot)+" "+strings.TrimSuffix(f[5], ",relatime"))
		}
	}
	slices.Sort(got)
	want := []string{"/run rw,nosuid,noexec", "/srv/mnt/share ro", old + "/dev rw"}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if text, err := os.ReadFile(newroot + old + "/dev/inside"); string(text) != "safe" {
		t.Errorf("the mount that was moved: got %q, %v, want its file", text, err)
	}
	if text, err := os.ReadFile(newroot + "/srv/mnt/share/doc"); string(text) != "text" {
		t.Errorf("the bind mount: got %q, %v, want the new root's file", text, err)
	}

	b.plan.Mounts = []bootplan.Mount{{Type: "nonesuch", Source: "x", Target: "/x"}}
	err = b.makeMounts()
	if want := "mount nonesuch on /x: no such device"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
	// A root that is left where it is keeps what is mounted on it.
	b.newroot = ""
	b.mounts = []mountInfo{{"1", "0", "/", "rootfs"}, {"20", "1", newroot + old + "/dev", "tmpfs"}}
	if err := b.moveMounts(); err != nil {
		t.Error(err)
	}
}
