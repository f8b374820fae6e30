//go:build linux

package image

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// extract unpacks data into a new directory and returns what is there.
func extract(t *testing.T, data []byte) (map[string]string, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "root")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x := Extraction{Dir: f, Parents: true}
	err = x.Extract(t.Context(), bytes.NewReader(data))
	return tree(t, dir), err
}

// tree is what is in a directory: content of files, targets of links, "/" of directories.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		switch d.Type() {
		case fs.ModeDir:
			found[name] = "/"
		case fs.ModeSymlink:
			target, err := os.Readlink(path)
			found[name] = ">" + target
			return err
		default:
			content, err := os.ReadFile(path)
			found[name] = string(content)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Archives that are made to write elsewhere do not, and either end in an error or in
// what a process with this root would see.
func TestExtractHostile(t *testing.T) {
	victim := t.TempDir()
	if err := os.Chmod(victim, 0o750); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(victim, "keep"), "kept")
	before, err := os.Stat(victim)
	if err != nil {
		t.Fatal(err)
	}
	up := strings.Repeat("../", 20)
	tests := []struct {
		name string
		data []byte
		want map[string]string
		err  string
	}{
		{"dots", archive(t, up+"x=evil", "a/../../y=evil"), map[string]string{"x": "evil", "y": "evil"}, ""},
		{"absolute", archive(t, "/x=evil", "//d/"), map[string]string{"x": "evil", "d": "/"}, ""},
		{"through a link", archive(t, "l>"+victim, "l/x=evil"), map[string]string{"l": ">" + victim}, ""},
		{"through a link up", archive(t, "l>"+up, "l/x=evil"), map[string]string{"l": ">" + up, "x": "evil"}, ""},
		{"through a link within", archive(t, "usr/", "l>/usr", "l/x=1", "m>l/../l", "m/y=2"), map[string]string{
			"usr": "/", "l": ">/usr", "m": ">l/../l", "usr/x": "1", "usr/y": "2"}, ""},
		{"loop", archive(t, "l>m", "m>l", "l/x=evil"), map[string]string{"l": ">m", "m": ">l"}, ""},
		{"over a link", join(t, archive(t, "l>"+victim+"/keep"), archive(t, "l=new")), map[string]string{"l": "new"}, ""},
		{"a link for a directory", join(t, archive(t, "d/"), archive(t, "d>"+victim)), map[string]string{"d": ">" + victim}, ""},
		{"a link for a directory by another name", join(t, archive(t, "t/", "s>t", "s/d/"), archive(t, "t/d>"+victim)), map[string]string{
			"t": "/", "s": ">t", "t/d": ">" + victim}, ""},
		{"a directory for a link", join(t, archive(t, "d>"+victim), archive(t, "d/", "d/x=1")), map[string]string{"d": "/", "d/x": "1"}, ""},
		{"a file in the way", archive(t, "a=x", "a/b=y"), map[string]string{"a": "x"}, ""},
		{"a directory that is not empty", join(t, archive(t, "d/", "d/x=1"), archive(t, "d=2")), map[string]string{"d": "/", "d/x": "1"}, ""},
		{"content through a link", swap(t, archive(t, "a@5", "a>"+victim+"/keep", "b@5"), "evil"), map[string]string{"a": ">" + victim + "/keep"}, ""},
		{"cut", pack(t, "gzip", archive(t, "a=x", "b="+strings.Repeat("y", 1<<20))[:1<<19]), nil, "segment 0 at 0x0: cpio: offset 524288: unexpected end of archive"},
	}
	for _, test := range tests {
		got, err := extract(t, test.data)
		if msg := fmt.Sprint(err); err == nil != (test.err == "") || !strings.Contains(msg, test.err) {
			t.Errorf("%s: got error %v, want %q", test.name, err, test.err)
		}
		if diff := cmp.Diff(test.want, got); test.want != nil && diff != "" {
			t.Errorf("%s: -want +got\n%s", test.name, diff)
		}
		after, err := os.Stat(victim)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"keep": "kept"}, tree(t, victim)); diff != "" || after.Mode() != before.Mode() || after.ModTime() != before.ModTime() {
			t.Fatalf("%s: the directory outside has changed\n%s", test.name, diff)
		}
	}
}

// What was in the directory before stays as it is unless the image has an entry of that
// very name, wherever a link that led elsewhere leads later.
func TestExtractBesideHostile(t *testing.T) {
	before := map[string]string{"B": "/", "B/x": "kept", "B/d": "/"}
	one := archive(t, "a=1")
	for _, test := range []struct {
		name string
		data []byte
		want map[string]string // beside what was there
	}{
		{"a hard link", swap(t, archive(t, "A/", "l>A", "l/x@5", "l>B", "y@5"), "evil"),
			map[string]string{"A": "/", "A/x": "", "l": ">B"}},
		{"a directory", archive(t, "A/", "l>A", "l/d/", "l>B"), map[string]string{"A": "/", "A/d": "/", "l": ">B"}},
		{"a missing directory", archive(t, "A/", "l>A", "l/d/f=1", "l>B"), map[string]string{"A": "/", "A/d": "/", "A/d/f": "1", "l": ">B"}},
		{"what is taken back", join(t, archive(t, "A/", "l>A", "l/x=1", "l>B"), archive(t, append([]string{planFor(t, one)}, payloadOf(one)...)...)),
			map[string]string{"a": "1"}},
	} {
		dir := t.TempDir()
		for _, name := range []string{"B", "B/d"} {
			if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		writeFile(t, filepath.Join(dir, "B/x"), "kept")
		f, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		x := Extraction{Dir: f, Parents: true}
		if err := x.Extract(t.Context(), bytes.NewReader(test.data)); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		maps.Copy(test.want, before)
		if diff := cmp.Diff(test.want, tree(t, dir)); diff != "" {
			t.Errorf("%s: -want +got\n%s", test.name, diff)
		}
		if info, err := os.Stat(filepath.Join(dir, "B/d")); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: the directory that was there: got %v, %v, want mode 0700", test.name, info.Mode(), err)
		}
	}
}

// The extended attributes of an entry are its own, too.
func TestExtractBesideXattrs(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "B"), 0o700); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(dir, "B/x")
	writeFile(t, kept, "kept")
	if err := unix.Setxattr(kept, "user.x", []byte("kept"), 0); err != nil {
		t.Skip("no extended attributes here: ", err)
	}
	table := bootplan.MarshalXattrs([]bootplan.Xattr{{Name: "user.x", Value: "evil", Paths: []string{"/A/x"}}})
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x := Extraction{Dir: f}
	data := archive(t, ".mkinitfs/xattrs="+string(table), "A/", "l>A", "l/x=1", "l>B")
	if err := x.Extract(t.Context(), bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"A/x": "evil", "B/x": "kept"} {
		buf := make([]byte, 10)
		n, err := unix.Getxattr(filepath.Join(dir, name), "user.x", buf)
		if got := string(buf[:max(n, 0)]); got != want {
			t.Errorf("user.x of %s: got %q, %v, want %q", name, got, err, want)
		}
	}
}

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The root is what List says, whatever lies before it in the image.
func TestExtractRoot(t *testing.T) {
	plan := (&bootplan.Plan{Root: "bind", Exec: "/bin/sh"}).Marshal()
	early := archive(t, "kernel/", "kernel/x86=microcode")
	boot := archive(t, "dev/", "init=stub", ".mkinitfs/", ".mkinitfs/plan="+string(plan))
	large := strings.Repeat("large", 100_000)
	members := [][]byte{pack(t, "zstd", archive(t, "a/", "l>a")), archive(t, "a/b="+large, "a/c@3", "a/d@3")}
	for _, test := range []struct {
		name string
		data []byte
		want map[string]string
	}{
		{"members", join(t, early, archive(t, append([]string{planFor(t, members...)}, payloadOf(members...)...)...)),
			map[string]string{"a": "/", "l": ">a", "a/b": large, "a/c": "", "a/d": ""}},
		{"bind", join(t, boot, archive(t, "etc/", ".mkinitfs/init>bin/busybox")), map[string]string{"dev": "/", "etc": "/", "init": ">bin/busybox"}},
		{"later wins", join(t, archive(t, "a=1", "b="+large), archive(t, "b=2", "a="+large), pack(t, "xz", archive(t, "./a>b"))),
			map[string]string{"a": ">b", "b": "2"}},
		{"a name twice", swap(t, archive(t, "a@5", "b@5", "a@5"), "1"), map[string]string{"b": ""}},
		{"a second name twice", swap(t, archive(t, "a@5", "b@5", "b@5"), "1"), map[string]string{"a": "1", "b": "1"}},
		{"no directories", archive(t, "a/b/c=1", "a/d=2"), map[string]string{"a": "/", "a/b": "/", "a/b/c": "1", "a/d": "2"}},
	} {
		got, err := extract(t, test.data)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", test.name, diff)
		}
	}
}

// What is left out is not there, and what is not has its content, whichever of a file's
// names has it in the archive.
func TestExtractSome(t *testing.T) {
	first := archive(t, "d/", "d/a@5", "d/b@5", "e/", "e/f=1")
	last := swap(t, archive(t, "d/", "d/a@5", "d/b@5"), "content")
	for _, test := range []struct {
		data []byte
		keep string
		want map[string]string
	}{
		{first, "d/b", map[string]string{"d": "/", "d/b": ""}},
		{first, "e/f", map[string]string{"e": "/", "e/f": "1"}},
		{last, "d/a", map[string]string{"d": "/", "d/a": "content"}},
		{last, "d/b", map[string]string{"d": "/", "d/b": "content"}},
	} {
		dir := t.TempDir()
		f, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		x := Extraction{Dir: f, Parents: true, Select: func(path string) bool {
			return path == "/"+test.keep
		}}
		if err := x.Extract(t.Context(), bytes.NewReader(test.data)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, tree(t, dir)); diff != "" {
			t.Errorf("%s: -want +got\n%s", test.keep, diff)
		}
	}
}

// Directories have times as late as the format holds, on 32-bit machines too.
func TestExtractTimes(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data := archiveOf(t, cpio.Header{Name: "d", Mode: cpio.TypeDir | 0o755, MTime: cpio.MaxTime},
		cpio.Header{Name: "f", Mode: cpio.TypeFile | 0o644, MTime: cpio.MaxTime})
	x := Extraction{Dir: f}
	if err := x.Extract(t.Context(), bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"d", "f"} {
		var info unix.Statx_t
		if err := unix.Statx(int(f.Fd()), name, 0, unix.STATX_MTIME, &info); err != nil {
			t.Fatal(err)
		}
		if got, want := info.Mtime.Sec, int64(cpio.MaxTime); got != want {
			t.Errorf("%s: got %d, want %d", name, got, want)
		}
	}
}
