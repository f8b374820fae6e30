//go:build linux

package image

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// Directories of the image are ours alone until everything below them is complete, also
// if only a part is wanted, and without an entry for the root.
func TestExtractPrivate(t *testing.T) {
	data := archive(t, "a/", "a/b/", "a/b/f=1", "a/c/", "a/c/g=2", "d/", "d/e/", "d/e/h=3", "missing/i=4")
	for name, wanted := range map[string]string{"all": "", "a part": "e"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			x := Extraction{Dir: open(t, dir), Parents: true, Select: func(path string) bool {
				return strings.Contains(path, wanted)
			}}
			calls := 0
			pending := "" // whose turn it is
			x.maker.between = func(call, at string) {
				calls++
				if call == "find" {
					pending = at
				}
				for _, name := range directories(t, dir) {
					var s unix.Stat_t
					if err := unix.Lstat(filepath.Join(dir, name), &s); err != nil {
						t.Fatal(err)
					}
					done := pending != "" && name >= pending && !(name == pending && (call == "find" || call == "open"))
					if private := s.Mode&0o777 == 0o700 && int(s.Uid) == os.Geteuid(); !private && !done {
						t.Errorf("after %s of %s, %s has mode %o", call, at, name, s.Mode)
					}
				}
			}
			if err := x.Extract(t.Context(), bytes.NewReader(data)); err != nil {
				t.Fatal(err)
			}
			if calls < 8 {
				t.Errorf("got %d calls", calls)
			}
			for _, name := range directories(t, dir) {
				if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o755 {
					t.Errorf("%s: got %v, %v, want mode 0755", name, info.Mode(), err)
				}
			}
		})
	}
}

func directories(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != dir {
			name, _ := filepath.Rel(dir, path)
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// What stands in a directory that others can write to can be anybody's.
func TestExtractStanding(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(a *attacked) error
		data []byte
		err  string
		kept []string
	}{
		{"a link", func(a *attacked) error { return os.Symlink("/v", a.in("l")) },
			archive(t, "v/", "u/l/x=1"), "create u/l/x: u/l: " + errLink.Error(), nil},
		{"a link that the image has", func(a *attacked) error { return os.Symlink("/v", a.in("l")) },
			archive(t, "v/", "w/", "u/l>/w", "u/l/x=1"), "", nil},
		{"a directory of somebody else", func(a *attacked) error { return nil },
			archive(t, "u/otherdir/", "u/otherdir/x=1"), "", []string{"/u/otherdir"}},
		{"a directory as in the image", func(a *attacked) error { return os.Chmod(a.in("otherdir"), 0o755) },
			archive(t, "u/otherdir/", "u/otherdir/x=1"), "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAttacked(t)
			if err := test.make(a); err != nil {
				t.Fatal(err)
			}
			before := a.state(t)
			x := Extraction{Dir: open(t, a.path("root"))}
			err := x.Extract(t.Context(), bytes.NewReader(test.data))
			if got := errorText(err); got != test.err {
				t.Errorf("got error %q, want %q", got, test.err)
			}
			if diff := cmp.Diff(test.kept, x.Kept); diff != "" {
				t.Errorf("kept: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(before, a.state(t)); diff != "" {
				t.Errorf("-before +after\n%s", diff)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// No access control list of a directory that others own gives them what comes into it.
func TestExtractLists(t *testing.T) {
	a := newAttacked(t)
	list := []byte{2, 0, 0, 0} // from the kernel's posix_acl_xattr.h: version, then tag, permissions, id
	for _, entry := range [][]byte{
		{1, 0, 7, 0, 255, 255, 255, 255}, {2, 0, 7, 0, 57, 48, 0, 0}, {4, 0, 7, 0, 255, 255, 255, 255},
		{16, 0, 7, 0, 255, 255, 255, 255}, {32, 0, 7, 0, 255, 255, 255, 255},
	} {
		list = append(list, entry...)
	}
	if err := unix.Setxattr(a.path("root/u"), "system.posix_acl_default", list, 0); err != nil {
		t.Skip("no access control lists here: ", err)
	}
	x := Extraction{Dir: open(t, a.path("root"))}
	if err := x.Extract(t.Context(), bytes.NewReader(archiveWithNodes(t, "u/f=1", "u/d/", "u/d/g=2", "u/p|10666", "u/a@5", "u/b@5"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"f", "d", "d/g", "p", "a"} {
		for _, kind := range []string{"system.posix_acl_access", "system.posix_acl_default"} {
			if n, err := unix.Lgetxattr(a.in(name), kind, nil); !errors.Is(err, unix.ENODATA) && !errors.Is(err, unix.EOPNOTSUPP) {
				t.Errorf("%s of %s: got %d bytes, %v, want none", kind, name, n, err)
			}
		}
	}
}

// Extended attributes come with what is made beside something of others, too.
func TestExtractStagedXattrs(t *testing.T) {
	a := newAttacked(t)
	if err := unix.Setxattr(a.path("root"), "user.test", []byte("x"), 0); err != nil {
		t.Skip("no extended attributes here: ", err)
	}
	table := bootplan.MarshalXattrs([]bootplan.Xattr{{Name: "user.x", Value: "1", Paths: []string{"/u/f", "/u/d", "/u/a"}}})
	xattrs := ".mkinitfs/xattrs=" + string(table)
	content := archive(t, "u/f=1", "u/d/", "u/a@5", "u/b@5")
	for _, test := range []struct {
		data  []byte
		unset int
	}{
		{join(t, archive(t, xattrs), swap(t, content, "later")), 0},
		{join(t, content, archive(t, xattrs)), 2}, // too late for files
	} {
		x := Extraction{Dir: open(t, a.path("root"))}
		if err := x.Extract(t.Context(), bytes.NewReader(test.data)); err != nil {
			t.Fatal(err)
		}
		if len(x.Unset) != test.unset {
			t.Errorf("got %v, want %d that are not set", x.Unset, test.unset)
		}
		for _, name := range []string{"f", "d", "b"} {
			n, err := unix.Getxattr(a.in(name), "user.x", make([]byte, 10))
			if want := test.unset == 0 || name == "d"; (n == 1) != want {
				t.Errorf("user.x of %s: got %d bytes, %v, want %v", name, n, err, want)
			}
		}
	}
}

// A directory that others can write to may be another file system, or another mount of
// the same one.
func TestExtractMounts(t *testing.T) {
	a := newAttacked(t)
	mount := func(source, at, kind string, flags uintptr, data string) {
		if err := unix.Mount(source, at, kind, flags, data); err != nil {
			t.Skip("cannot mount: ", err)
		}
		t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) })
	}
	for _, name := range []string{"root/t", "root/b", "root/u/b"} {
		if err := os.Mkdir(a.path(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(a.path(name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	mount("tmpfs", a.path("root/t"), "tmpfs", 0, "mode=0777")
	mount(a.path("root/u"), a.path("root/b"), "", unix.MS_BIND, "")
	data := archiveWithNodes(t, "u/f=1", "t/f=2", "t/l>x", "t/p|10666", "t/d/", "t/d/g=3", "t/a@5", "t/b@5",
		"b/b/f=4", "b/l>x", "u/g=5", "b/h=6", "b/d/", "b/c@6", "b/e@6")
	x := Extraction{Dir: open(t, a.path("root"))}
	if err := x.Extract(t.Context(), bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		"root": "b t u", "root/t": "a b d f l p", "root/t/d": "g", "root/b/b": "f",
		"root/b": "b c d e f g h l other otherdir",
	} {
		if got := a.list(dir); got != want {
			t.Errorf("%s: got %s, want %s", dir, got, want)
		}
	}
}

// Nothing unfinished is left, and neither is after an interruption.
func TestExtractLeavesNothing(t *testing.T) {
	for _, interrupted := range []bool{false, true} {
		a := newAttacked(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		x := Extraction{Dir: open(t, a.path("root")), Select: func(path string) bool {
			if path == "/last" && interrupted {
				cancel()
			}
			return path != "/u/spare"
		}}
		err := x.Extract(ctx, bytes.NewReader(archive(t, "u/f=1", "u/spare@5", "u/a@6", "last=")))
		want, wantRoot := error(nil), "last u"
		if interrupted {
			want, wantRoot = context.Canceled, "u"
		}
		if err != want {
			t.Errorf("got error %v, want %v", err, want)
		}
		for dir, want := range map[string]string{"root": wantRoot, "root/u": "a f other otherdir"} {
			if got := a.list(dir); got != want {
				t.Errorf("%s: got %s, want %s", dir, got, want)
			}
		}
	}
}
