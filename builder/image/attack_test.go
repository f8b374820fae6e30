//go:build linux

package image

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// attackedImage has every kind of entry below u/, beside it, and deeper.
func attackedImage(t *testing.T) []byte {
	t.Helper()
	var table []bootplan.Xattr
	for _, name := range []string{"user.note", "trusted.note"} {
		table = append(table, bootplan.Xattr{Name: name, Value: "of the image", Paths: []string{"/u/file", "/u/link", "/u/pipe", "/u/d", "/u/one"}})
	}
	words := []string{
		".mkinitfs/xattrs=" + string(bootplan.MarshalXattrs(table)),
		"u/", "u/file=content", "u/empty=", "u/d/", "u/link>d", "u/link/through=1", "u/pipe|10666", "u/socket|140666",
	}
	if os.Geteuid() == 0 {
		words = append(words, "u/null|20666")
	}
	words = append(words, "u/d/e/", "u/d/e/f=deep", "u/d/pipe|10666", "u/d/link>..", "u/one@5", "v/", "v/file=1", "u/two@5")
	return swap(t, archiveWithNodes(t, words...), "shared")
}

// archiveWithNodes is archive, with words "name|mode" for nodes.
func archiveWithNodes(t *testing.T, words ...string) []byte {
	t.Helper()
	var plain []string
	modes := map[string]uint32{}
	for _, word := range words {
		if name, mode, ok := strings.Cut(word, "|"); ok {
			var bits uint32
			fmt.Sscanf(mode, "%o", &bits)
			modes[name] = bits
			word = name + "="
		}
		plain = append(plain, word)
	}
	data := archive(t, plain...)
	for name, mode := range modes {
		at := bytes.Index(data, []byte(name+"\x00")) - 110
		copy(data[at+14:], fmt.Sprintf("%08X", mode))
		if mode&cpio.TypeMask == cpio.TypeChar {
			copy(data[at+78:], "0000000100000003")
		}
	}
	return data
}

// attack is what somebody does to a name in u.
type attack struct {
	name string
	do   func(a *attacked, name string) error
}

var attacks = []attack{
	{"a symbolic link to a file", func(a *attacked, name string) error { return os.Symlink(a.secret(), a.in(name)) }},
	{"a symbolic link to a directory", func(a *attacked, name string) error { return os.Symlink(a.path("outside"), a.in(name)) }},
	{"a symbolic link within", func(a *attacked, name string) error { return os.Symlink("/v", a.in(name)) }},
	{"a hard link", func(a *attacked, name string) error { return os.Link(a.secret(), a.in(name)) }},
	{"another file", func(a *attacked, name string) error { return os.Rename(a.in("other"), a.in(name)) }},
	{"another directory", func(a *attacked, name string) error { return os.Rename(a.in("otherdir"), a.in(name)) }},
	{"nothing", func(*attacked, string) error { return nil }},
}

// attacked is a directory that an image is extracted into: "u" in it stood before and
// belongs to somebody else, as far as the test can have that.
type attacked struct {
	dir     string
	foreign []*os.File // what must not change
}

func newAttacked(t *testing.T) *attacked {
	t.Helper()
	a := &attacked{dir: t.TempDir()}
	for _, dir := range []string{"root", "root/u", "root/u/otherdir", "outside"} {
		if err := os.Mkdir(a.path(dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"outside/secret", "root/u/other", "root/u/otherdir/file"} {
		if err := os.WriteFile(a.path(file), []byte("kept"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"outside", "outside/secret", "root/u/other", "root/u/otherdir", "root/u/otherdir/file"} {
		f := open(t, a.path(name))
		if err := setOpenTime(int(f.Fd()), 1e9); err != nil {
			t.Fatal(err)
		}
		a.foreign = append(a.foreign, f)
	}
	mode, owner := os.FileMode(0o777), os.Geteuid()
	if owner == 0 {
		mode, owner = 0o755, 1000
	}
	if err := os.Chmod(a.path("root/u"), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Lchown(a.path("root/u"), owner, -1); err != nil {
		t.Skip("no other user here: ", err)
	}
	return a
}

func (a *attacked) path(name string) string { return filepath.Join(a.dir, name) }
func (a *attacked) in(name string) string   { return a.path("root/u/" + name) }
func (a *attacked) secret() string          { return a.path("outside/secret") }

// state is what there is of what must not change. What others move into the place of a
// directory of the image gets the entries that belong there: its time is its own.
func (a *attacked) state(t *testing.T) []string {
	t.Helper()
	var lines []string
	for _, f := range a.foreign {
		var s unix.Stat_t
		if err := unix.Fstat(int(f.Fd()), &s); err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%s: %o %d:%d", strings.TrimPrefix(f.Name(), a.dir), s.Mode, s.Uid, s.Gid)
		if s.Mode&unix.S_IFMT == unix.S_IFREG {
			content := make([]byte, 100)
			n, _ := f.ReadAt(content, 0)
			line += fmt.Sprintf(" %d %q", s.Mtim.Sec, content[:n])
		}
		names := make([]byte, 1000)
		n, _ := unix.Flistxattr(int(f.Fd()), names)
		lines = append(lines, fmt.Sprintf("%s %q", line, names[:max(n, 0)]))
	}
	return append(lines, a.list("outside"))
}

// extract extracts the image and calls between after each call for an entry.
func (a *attacked) extract(t *testing.T, data []byte, between func(call, name string)) error {
	t.Helper()
	x := Extraction{Dir: open(t, a.path("root")), Parents: true}
	if os.Geteuid() == 0 { // so that everything changes hands
		x.User = &User{uid: 1000, gid: 1000}
	}
	var mu sync.Mutex
	x.maker.between = func(call, name string) {
		mu.Lock()
		defer mu.Unlock()
		between(call, name)
	}
	return x.Extract(t.Context(), bytes.NewReader(data))
}

// Somebody who can write to a directory of the tree replaces a name in it between any
// two calls. Nothing changes that is not the image's.
func TestExtractAttacked(t *testing.T) {
	data := attackedImage(t)
	var calls []string
	err := newAttacked(t).extract(t, data, func(call, name string) { calls = append(calls, call+" "+name) })
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{ // that the attacks fall between all calls
		"chown u/pipe", "set mtime of u/link", "move u/file", "chmod u/file", "move u/d", "link u/two", "write u/two", "open u/d", "chown u/d",
	} {
		if !slices.Contains(calls, want) {
			t.Errorf("no call %q among %q", want, calls)
		}
	}
	all := []string{"file", "empty", "link", "pipe", "socket", "d", "one", "two"}
	for _, attack := range attacks {
		for at, call := range calls {
			// Its own name; and any name when something has just been moved there.
			_, name, _ := strings.Cut(call, " u/")
			name, _, _ = strings.Cut(name, "/")
			names := []string{name}
			if name == "" {
				continue
			}
			if strings.HasPrefix(call, "move") {
				names = all
			}
			for _, name := range names {
				t.Run(fmt.Sprintf("%s for %s, %d after %s", attack.name, name, at, call), func(t *testing.T) {
					a := newAttacked(t)
					before := a.state(t)
					err := a.attack(t, data, at, name, attack)
					if diff := cmp.Diff(before, a.state(t)); diff != "" {
						t.Errorf("extract says %v: -before +after\n%s", err, diff)
					}
					// Nor does what is of one directory get into another.
					if got, want := a.list("root/v"), "file"; got != "" && got != want {
						t.Errorf("extract says %v: got %s in v, want %s", err, got, want)
					}
					if got, want := a.list("root/u/d"), "file"; at >= slices.Index(calls, "move u/d") && strings.Contains(got, want) && got != want {
						t.Errorf("extract says %v: got %s in another directory, want %s", err, got, want)
					}
				})
			}
		}
	}
}

// attack extracts an image and attacks a name after a number of calls.
func (a *attacked) attack(t *testing.T, data []byte, at int, name string, attack attack) error {
	return a.extract(t, data, func(string, string) {
		if at--; at != -1 {
			return
		}
		if err := os.Rename(a.in(name), a.in("gone")); err != nil && !os.IsNotExist(err) {
			t.Error(err)
		}
		if err := attack.do(a, name); err != nil {
			t.Error(err)
		}
	})
}

// list returns the names in a directory.
func (a *attacked) list(dir string) string {
	entries, _ := os.ReadDir(a.path(dir))
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}
