//go:build linux

package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/follow"
)

func TestResolve(t *testing.T) {
	root := t.TempDir()
	makeTree(t, root, map[string]string{
		"usr/bin/sh":      "",
		"bin":             "-> usr/bin",
		"absolute":        "-> /usr/bin",
		"usr/up":          "-> ../../../../usr",
		"usr/bin/dash":    "-> sh",
		"usr/bin/sh.link": "-> /bin/../bin/./dash",
		"slashes":         "-> //usr///bin//",
		"top":             "-> /",
		"here":            "-> .",
		"dangling":        "-> nowhere",
		"loop":            "-> loop",
		"ping":            "-> pong",
		"pong":            "-> ping",
		"link00":          "-> usr",
	})
	for i := range 41 { // link40 is the kernel's limit of links
		name := filepath.Join(root, linkName(i+1))
		if err := os.Symlink(linkName(i), name); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		path, want string
		err        error
	}{
		{"/usr/bin/sh", "/usr/bin/sh", nil},
		{"usr/bin/sh", "/usr/bin/sh", nil},
		{"/bin/sh", "/usr/bin/sh", nil},
		{"/absolute/sh", "/usr/bin/sh", nil},
		{"/bin/dash", "/usr/bin/sh", nil},
		{"/bin/sh.link", "/usr/bin/sh", nil},
		{"/slashes/sh", "/usr/bin/sh", nil},
		{"/top/top/bin", "/usr/bin", nil},
		{"/here/here/usr", "/usr", nil},
		{"/usr/up/bin/sh", "/usr/bin/sh", nil},
		{"/../../usr/bin/..", "/usr", nil},
		{"/bin/../usr", "", syscall.ENOENT}, // the directory above is that of the link's target
		{"//usr/./bin//", "/usr/bin", nil},
		{"/", "", nil},
		{"", "", nil},
		{"/..", "", nil},
		{"/top", "", nil},
		{"/missing", "", syscall.ENOENT},
		{"/missing/sh", "", syscall.ENOENT},
		{"/dangling", "", syscall.ENOENT},
		{"/usr/bin/sh/x", "", syscall.ENOTDIR},
		{"/loop", "", syscall.ELOOP},
		{"/ping/x", "", syscall.ELOOP},
		{"/" + linkName(39), "/usr", nil},
		{"/" + linkName(40), "", syscall.ELOOP},
		{"/" + strings.Repeat("n", 256), "", syscall.ENAMETOOLONG},
	} {
		got, err := resolve(root, c.path)
		if got != c.want || err != c.err {
			t.Errorf("%q: got %q, %v, want %q, %v", c.path, got, err, c.want, c.err)
		}
	}
}

func linkName(i int) string { return "link" + string(rune('0'+i/10)) + string(rune('0'+i%10)) }

func TestResolveDir(t *testing.T) {
	root := t.TempDir()
	makeTree(t, root, map[string]string{
		"usr/lib/":    "",
		"lib":         "-> usr/lib",
		"var/run":     "-> /run",
		"mnt":         "-> some/where/else",
		"two":         "-> one",
		"one":         "-> deep/one",
		"file":        "text",
		"loop":        "-> loop",
		"etc/private": "-> ../lib/../private",
	})
	for _, c := range []struct {
		path, want string
		err        error
	}{
		{"/usr/lib", "/usr/lib", nil},
		{"/proc", "/proc", nil},
		{"/sys/fs/cgroup", "/sys/fs/cgroup", nil},
		{"/lib/firmware", "/usr/lib/firmware", nil},
		{"/var/run", "/run", nil},
		{"/var/run/lock", "/run/lock", nil},
		{"/mnt", "/some/where/else", nil},
		{"/two/x", "/deep/one/x", nil},
		{"/etc/private/keys", "/usr/private/keys", nil},
		{"/../up", "/up", nil},
		{"/", "", nil},
		{"/file/x", "", syscall.ENOTDIR},
		{"/loop/x", "", syscall.ELOOP},
	} {
		got, err := resolveDir(root, c.path)
		if got != c.want || err != c.err {
			t.Errorf("%q: got %q, %v, want %q, %v", c.path, got, err, c.want, c.err)
			continue
		}
		if err != nil {
			continue
		}
		st, err := os.Lstat(root + got)
		if err != nil || !st.IsDir() || st.Mode().Perm() != 0o755 && got != "" {
			t.Errorf("%q: got %v, %v, want a directory of mode 0755", c.path, st, err)
		}
	}
}

// TestResolveAsTheHostDoes holds the stub's walk and that of internal/follow together. The
// stub has its own because the other one would add 1 KB to every image.
func TestResolveAsTheHostDoes(t *testing.T) {
	root := t.TempDir()
	makeTree(t, root, map[string]string{
		"a": "-> b", "b": "-> d/..", "c": "-> /a/../d", "d/e": "-> ../../..", "d/f": "-> /", "g": "-> g", "h": "-> c/e/c", "d/file": "",
	})
	parts := []string{"a", "b", "c", "d", "e", "f", "g", "h", "file", "..", ".", "", "none"}
	r := rand.New(rand.NewPCG(1, 2))
	led := 0
	for range 20_000 {
		name := ""
		for range r.IntN(9) {
			name += "/" + parts[r.IntN(len(parts))]
		}
		want, wantErr := follow.Walk(name, func(place string, _ bool) (string, bool, error) {
			var st syscall.Stat_t
			if err := syscall.Lstat(root+place, &st); err != nil {
				return "", false, err
			}
			target, err := os.Readlink(root + place)
			return target, err == nil, nil
		})
		got, err := resolve(root, name)
		if wantErr == nil {
			led++
			want = strings.TrimSuffix(want, "/")
		}
		if got != want || err != wantErr {
			t.Fatalf("%q: got %q, %v, want %q, %v", name, got, err, want, wantErr)
		}
	}
	if led < 1000 {
		t.Errorf("got %d names that lead somewhere, want more", led)
	}
}
