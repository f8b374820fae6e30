//go:build linux

package container

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Links are followed as text, the kernel's own in /proc too.
func TestResolve(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir+"/a/b", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"absolute": dir + "/a", "relative": "a/b", "up": "../../../../../../../../../../..", "dangling": dir + "/missing/x",
		"loop": "loop", "dots": "a/./b/..//b", "own": "/proc/self/root" + dir + "/a",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct{ name, want, err string }{
		{".", "/", ""},
		{"..", "/", ""},
		{"", "/", ""},
		{dir[1:] + "/a", dir + "/a", ""},
		{"../.." + dir + "/a", dir + "/a", ""},
		{dir + "/absolute/b", dir + "/a/b", ""},
		{dir + "/relative/..", dir + "/a", ""},
		{dir + "/dots/", dir + "/a/b", ""},
		{dir + "/up" + dir + "/a", dir + "/a", ""},
		{dir + "/own/b", dir + "/a/b", ""},
		{dir + "/dangling/y", dir + "/missing/x/y", ""},
		{dir + "/missing/../a", dir + "/a", ""},
		{dir + "/loop", "", "follow " + dir + "/loop: too many levels of symbolic links"},
	}
	for _, test := range tests {
		got, err := resolve(test.name)
		if got != test.want || message(err) != test.err {
			t.Errorf("%s: got %q and error %q, want %q and %q", test.name, got, message(err), test.want, test.err)
		}
	}
}

func TestResolveDir(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir+"/new/x", dir+"/dangling"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		dir + "/a/b/c": dir + "/a/b/c", dir + "/dangling/y": dir + "/new/x/y",
	} {
		got, err := resolveDir(name)
		if info, statErr := os.Lstat(want); got != want || err != nil || statErr != nil || !info.IsDir() {
			t.Errorf("%s: got %q and error %v, want the directory %s; stat: %v", name, got, err, want, statErr)
		}
	}
}

// Both ways of marking descriptors have the same effect.
func TestCloseOnExec(t *testing.T) {
	for name, mark := range map[string]func(first int) error{"close_range": closeOnExec, "list": closeListedOnExec} {
		const first = 300 // nothing else is open from here on
		for _, fd := range []int{first - 1, first, first + 7} {
			if err := unix.Dup3(1, fd, 0); err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
		}
		if err := mark(first); err != nil {
			t.Fatal(err)
		}
		for fd, want := range map[int]int{first - 1: 0, first: unix.FD_CLOEXEC, first + 7: unix.FD_CLOEXEC} {
			if got, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); got != want || err != nil {
				t.Errorf("%s: descriptor %d: got flags %d and error %v, want %d", name, fd, got, err, want)
			}
		}
	}
}
