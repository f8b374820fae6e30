package follow

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// tree is one of links, by place.
func tree(links map[string]string) Look {
	return func(place string, _ bool) (string, bool, error) {
		target, ok := links[place]
		return target, ok, nil
	}
}

func TestWalk(t *testing.T) {
	links := map[string]string{
		"/bin": "usr/bin", "/usr/bin/sh": "../../lib/busybox", "/lib": "/usr/lib", "/out": "../../../etc", "/up": "..",
		"/a": "b/", "/b": "c//d", "/loop": "loop", "/ping": "pong", "/pong": "/ping", "/root": "/", "/dot": ".", "/empty": "",
		"/long": strings.Repeat("x", syscall.PathMax),
	}
	for i := range MaxLinks + 1 {
		links[fmt.Sprint("/n", i)] = fmt.Sprint("n", i+1)
	}
	for name, want := range map[string]string{
		"":                   "/",
		"/":                  "/",
		"/bin/sh":            "/usr/lib/busybox",
		"bin//./sh":          "/usr/lib/busybox",
		"/out/passwd":        "/etc/passwd",
		"/../../etc":         "/etc",
		"/up/etc":            "/etc",
		"/a/x":               "/c/d/x",
		"/root/root/bin":     "/usr/bin",
		"/dot/dot/x":         "/x",
		"/empty/x":           "/x",
		"/missing/../bin/x":  "/usr/bin/x",
		"/bin/../lib/x/.":    "/usr/lib/x",
		"/usr/bin/..":        "/usr",
		"/n1/x":              fmt.Sprintf("/n%d/x", MaxLinks+1),
		"/n0":                "ELOOP",
		"/loop":              "ELOOP",
		"/ping/x":            "ELOOP",
		"/long":              "ENAMETOOLONG",
		links["/long"][1:]:   "/" + links["/long"][1:],
		links["/long"] + "x": "ENAMETOOLONG",
	} {
		got, err := Walk(name, tree(links))
		if errno := syscall.Errno(0); errors.As(err, &errno) {
			got = unix.ErrnoName(errno)
		}
		if got != want {
			t.Errorf("%.40q: got %.40q, want %.40q", name, got, want)
		}
	}
}

// TestLinked tells the parts of the name from those of targets, of links in links too.
func TestLinked(t *testing.T) {
	links := tree(map[string]string{"/a": "x/y", "/x": "/z/z"})
	var got []string
	place, err := Walk("/own/../a/b/c", func(place string, linked bool) (string, bool, error) {
		if linked {
			place += " linked"
		}
		got = append(got, place)
		return links(strings.TrimSuffix(place, " linked"), linked)
	})
	if err != nil || place != "/z/z/y/b/c" {
		t.Errorf("got %q, %v", place, err)
	}
	const want = "[/own /a /x linked /z linked /z/z linked /z/z/y linked /z/z/y/b /z/z/y/b/c]"
	if fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
}

func TestError(t *testing.T) {
	stop := errors.New("stop")
	place, err := Walk("/a/b", func(place string, _ bool) (string, bool, error) {
		if place == "/a/b" {
			return "", false, stop
		}
		return "", false, nil
	})
	if err != stop || place != "" {
		t.Errorf("got %q, %v", place, err)
	}
}

// FuzzWalk compares with the kernel: where a walk over a file system ends without an error,
// the kernel opens the same below that root.
func FuzzWalk(f *testing.F) {
	dir := f.TempDir()
	for name, target := range map[string]string{"a": "b", "b": "d/..", "c": "/a/../d", "d/e": "../../..", "d/f": "/", "g": "g", "h": "c/e/c"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			f.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			f.Fatal(err)
		}
	}
	root, err := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		f.Fatal(err)
	}
	defer unix.Close(root)
	for _, name := range []string{"a", "b/d", "c/e", "d/e/h/f/a", "g", "../d/./f", "h//e/..", "none/a"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if name == "" || strings.Contains(name, "\x00") {
			return
		}
		how := &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT}
		fd, err := unix.Openat2(root, name, how)
		switch err {
		case nil:
			defer unix.Close(fd)
		case unix.ENOSYS, unix.EPERM:
			t.Skip("no openat2:", err)
		}
		place, walkErr := Walk(name, func(place string, _ bool) (string, bool, error) {
			target, err := os.Readlink(dir + place)
			return target, err == nil, nil
		})
		switch {
		case err == unix.ELOOP || walkErr != nil:
			if walkErr != err {
				t.Errorf("%q: got %v, the kernel says %v", name, walkErr, err)
			}
		case err == nil:
			var got, want unix.Stat_t
			if err := unix.Fstat(fd, &want); err != nil {
				t.Fatal(err)
			}
			if err := unix.Lstat(dir+place, &got); err != nil || got.Ino != want.Ino {
				t.Errorf("%q: got %s, inode %d, %v; the kernel has inode %d", name, place, got.Ino, err, want.Ino)
			}
		}
	})
}
