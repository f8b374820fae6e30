//go:build linux

package unpack

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// The stub unpacks with umask 0.
func TestMain(m *testing.M) {
	syscall.Umask(0)
	os.Exit(m.Run())
}

// entry is an entry with its body.
type entry struct {
	cpio.Header
	body string
}

func archive(t testing.TB, entries ...entry) *bytes.Reader {
	t.Helper()
	var b bytes.Buffer
	w := cpio.NewWriter(&b)
	for _, e := range entries {
		e.Size = int64(len(e.body))
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b.Bytes())
}

// mine is an entry that anyone may unpack: it belongs to who runs the test.
func mine(name string, mode uint32, mtime int64, body string) entry {
	return entry{cpio.Header{
		Name: name, Mode: mode, MTime: mtime, Nlink: 1, UID: uint32(os.Getuid()), GID: uint32(os.Getgid()),
	}, body}
}

func unpackArchive(root *Root, r io.Reader) error {
	return root.Archive(bufio.NewReaderSize(r, 64<<10))
}

// newRoot returns a Root for the directory dir.
func newRoot(t testing.TB, dir string) *Root {
	t.Helper()
	fd, err := syscall.Open(dir, syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	return NewRoot(fd)
}

// unpackAll unpacks one archive and compares what is there then with the entries.
func unpackAll(t *testing.T, entries ...entry) string {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() { // t.TempDir cannot remove what it may not read
		filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				err = os.Chmod(path, 0o700)
			}
			return err
		})
	})
	root := newRoot(t, dir)
	const next = "what follows"
	in := bufio.NewReader(io.MultiReader(archive(t, entries...), strings.NewReader(next)))
	if err := root.Archive(in); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(in); err != nil || string(rest) != next {
		t.Errorf("got %q, %v behind the trailer, want %q", rest, err, next)
	}
	if err := root.Finish(); err != nil {
		t.Fatal(err)
	}
	if got, want := root.Entries(), int64(len(entries)); got != want {
		t.Errorf("entries: got %d, want %d", got, want)
	}
	var got, want []string
	for _, e := range entries {
		want = append(want, wanted(e))
		got = append(got, found(t, dir, e.Name))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	return dir
}

// wanted and found describe an entry, as it should be and as it is.
func wanted(e entry) string {
	return describe(e.Name, e.Mode, e.UID, e.GID, e.MTime, e.RdevMajor, e.RdevMinor, e.body)
}

func found(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		return fmt.Sprintf("%.40s: %v", name, err)
	}
	var body string
	switch st.Mode & cpio.TypeMask {
	case cpio.TypeLink:
		target, err := os.Readlink(path)
		if err != nil {
			t.Fatal(err)
		}
		body = target
	case cpio.TypeFile:
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		body = string(data)
	}
	major := uint32(st.Rdev>>8) & 0xfff
	minor := uint32(st.Rdev)&0xff | uint32(st.Rdev>>12)&0xfff00
	return describe(name, st.Mode, st.Uid, st.Gid, int64(uint32(st.Mtim.Sec)), major, minor, body)
}

func describe(name string, mode, uid, gid uint32, mtime int64, major, minor uint32, body string) string {
	return fmt.Sprintf("%.40s (%d): mode %o owner %d:%d mtime %d dev %d:%d body %.40q (%d)",
		name, len(name), mode, uid, gid, mtime, major, minor, body, len(body))
}

func TestUnpack(t *testing.T) {
	unpackAll(t,
		mine(".", cpio.TypeDir|0o2711, 5, ""),
		mine("a", cpio.TypeDir|0o755, 1, ""),
		mine("a/read-only", cpio.TypeDir|0o555, 2, ""),
		mine("a/read-only/file", cpio.TypeFile|0o444, 3, "content"),
		mine("a/sticky", cpio.TypeDir|0o1777, 4, ""),
		mine("a/setgid", cpio.TypeDir|0o2770, cpio.MaxTime, ""),
		mine("a/setgid/file", cpio.TypeFile|0o600, 0, "\x00"),
		mine("a/"+strings.Repeat("n", 255), cpio.TypeFile|0o644, cpio.MaxTime, "long name"),
		mine("empty", cpio.TypeFile|0o666, 6, ""),
		mine("large", cpio.TypeFile|0o644, 7, strings.Repeat("0123456789abcdef", 1<<15)),
		mine("setuid", cpio.TypeFile|0o4755, 8, "#!/bin/sh\n"),
		mine("setgid", cpio.TypeFile|0o2755, 9, "#!/bin/sh\n"),
		mine("link", cpio.TypeLink|0o777, 10, "a/read-only/file"),
		mine("dangling", cpio.TypeLink|0o777, 1<<31, strings.Repeat("t", 4095)),
		mine("loop", cpio.TypeLink|0o777, 12, "loop"),
		mine("fifo", cpio.TypeFIFO|0o622, 13, ""),
		mine("socket", cpio.TypeSocket|0o777, 14, ""))
}

func TestUnpackAsRoot(t *testing.T) {
	testenv.Root(t, "make devices and give files away")
	owned := func(e entry, uid, gid uint32) entry {
		e.UID, e.GID = uid, gid
		return e
	}
	device := func(name string, mode, major, minor uint32) entry {
		e := mine(name, mode, 20, "")
		e.RdevMajor, e.RdevMinor = major, minor
		return e
	}
	unpackAll(t,
		owned(mine("home", cpio.TypeDir|0o2750, 1, ""), 1000, 100),
		owned(mine("home/setuid", cpio.TypeFile|0o6755, 2, "chown clears these bits"), 1<<31, 1<<31+1),
		owned(mine("home/root", cpio.TypeFile|0o644, 3, "not the directory's group"), 0, 0),
		owned(mine("home/group", cpio.TypeFile|0o644, 3, ""), 0, 7),
		owned(mine("home/link", cpio.TypeLink|0o777, 4, "setuid"), 1, 2),
		owned(mine("home/fifo", cpio.TypeFIFO|0o600, 5, ""), 3, 4),
		device("null", cpio.TypeChar|0o666, 1, 3),
		device("largest", cpio.TypeChar|0o600, 1<<12-1, 1<<20-1),
		device("disk", cpio.TypeBlock|0o660, 259, 256))
}

// Who is not root gets no further once a directory is closed.
func TestClosedDirectory(t *testing.T) {
	dir := t.TempDir()
	closed, inner := mine("closed", cpio.TypeDir, 1, ""), mine("closed/inner", cpio.TypeDir|0o500, 2, "")
	root := newRoot(t, dir)
	if err := unpackArchive(root, archive(t, closed, inner)); err != nil {
		t.Fatal(err)
	}
	if err := root.Finish(); err != nil {
		t.Fatal(err)
	}
	if got, want := found(t, dir, closed.Name), wanted(closed); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if err := os.Chmod(filepath.Join(dir, closed.Name), 0o700); err != nil {
		t.Fatal(err)
	}
	if got, want := found(t, dir, inner.Name), wanted(inner); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A path as long as it can be, which no call takes as one name beside the directory's.
func TestUnpackLongestPath(t *testing.T) {
	dir := t.TempDir()
	var entries []entry
	name := ""
	for len(name) < cpio.PathMax-1-256 {
		name += strings.Repeat("d", 255)
		entries = append(entries, mine(name, cpio.TypeDir|0o755, 0, ""))
		name += "/"
	}
	name += strings.Repeat("f", cpio.PathMax-1-len(name))
	entries = append(entries, mine(name, cpio.TypeFile|0o644, 0, ""))
	root := newRoot(t, dir)
	if err := unpackArchive(root, archive(t, entries...)); err != nil {
		t.Fatal(err)
	}
	if err := root.Finish(); err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Openat(root.fd, name, syscall.O_RDONLY, 0)
	if err != nil {
		t.Fatalf("open a path of %d bytes: %v", len(name), err)
	}
	syscall.Close(fd)
}

func TestHardLinks(t *testing.T) {
	linked := func(name, body string) entry {
		e := mine(name, cpio.TypeFile|0o4711, 3, body)
		e.Nlink, e.Ino = 3, 7
		return e
	}
	other := linked("other", "not the same device")
	other.DevMinor = 1
	for name, bodies := range map[string][3]string{
		"content first": {"shared", "", ""}, // as the builder writes it
		"content last":  {"", "", "shared"}, // as GNU cpio does
		"content twice": {"longer than it will be", "", "shared"},
		"none":          {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			root := newRoot(t, dir)
			in := archive(t, linked("one", bodies[0]), linked("two", bodies[1]), other, linked("three", bodies[2]))
			if err := unpackArchive(root, in); err != nil {
				t.Fatal(err)
			}
			want := linked("", "shared")
			if name == "none" {
				want.body = ""
			}
			var first syscall.Stat_t
			if err := syscall.Lstat(filepath.Join(dir, "one"), &first); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"one", "two", "three"} {
				want.Name = name
				if got, want := found(t, dir, name), wanted(want); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
				var st syscall.Stat_t
				if err := syscall.Lstat(filepath.Join(dir, name), &st); err != nil {
					t.Fatal(err)
				}
				if st.Ino != first.Ino || st.Nlink != 3 {
					t.Errorf("%s: got inode %d with %d links, want %d with 3", name, st.Ino, st.Nlink, first.Ino)
				}
			}
			if got, want := found(t, dir, "other"), wanted(other); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestNamesThatLeadOut(t *testing.T) {
	for _, name := range []string{"/", "/x", "..", "../x", "a/../../x", "a/..", "a/../x", "./../x", "a/b/../../../x"} {
		t.Run(name, func(t *testing.T) {
			outside := t.TempDir()
			dir := filepath.Join(outside, "root")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			for _, mode := range []uint32{cpio.TypeFile | 0o644, cpio.TypeDir | 0o755, cpio.TypeFIFO | 0o644} {
				root := newRoot(t, dir)
				err := unpackArchive(root, archive(t, mine(name, mode, 0, "")))
				if want := (&Error{"unpack", name, errName}).Error(); err == nil || err.Error() != want {
					t.Errorf("mode %o: got error %v, want %s", mode, err, want)
				}
			}
			left, err := filepath.Glob(filepath.Join(outside, "*"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{dir}, left); diff != "" {
				t.Errorf("outside of the root: -want +got\n%s", diff)
			}
		})
	}
	// Two dots are only a climb if they are all of an element.
	unpackAll(t, mine("..a", cpio.TypeDir|0o755, 0, ""), mine("..a/b..", cpio.TypeFile|0o644, 0, ""), mine("...", cpio.TypeFile|0o644, 0, ""))
}

func TestErrors(t *testing.T) {
	dir, file := mine("a", cpio.TypeDir|0o755, 0, ""), mine("a", cpio.TypeFile|0o644, 0, "body")
	link, fifo := mine("a", cpio.TypeLink|0o777, 0, "target"), mine("a", cpio.TypeFIFO|0o644, 0, "")
	first, second := mine("b", cpio.TypeFile|0o644, 0, ""), file
	first.Nlink, second.Nlink, second.body = 2, 2, ""
	long := strings.Repeat("n", 256)
	for _, tt := range []struct {
		entries []entry
		want    string
		errno   syscall.Errno
	}{
		{[]entry{mine("b/x", cpio.TypeFile|0o644, 0, "")}, "create b/x: no such file or directory", syscall.ENOENT},
		{[]entry{mine("b/x", cpio.TypeDir|0o755, 0, "")}, "mkdir b/x: no such file or directory", syscall.ENOENT},
		{[]entry{file, mine("a/x", cpio.TypeFile|0o644, 0, "")}, "create a/x: not a directory", syscall.ENOTDIR},
		{[]entry{dir, file}, "create a: file exists", syscall.EEXIST},
		{[]entry{file, dir}, "mkdir a: file exists", syscall.EEXIST},
		{[]entry{file, link}, "symlink a: file exists", syscall.EEXIST},
		{[]entry{file, fifo}, "mknod a: file exists", syscall.EEXIST},
		{[]entry{file, first, second}, "link a: file exists", syscall.EEXIST},
		{[]entry{link, file}, "create a: file exists", syscall.EEXIST}, // and not written through the link
		{[]entry{mine(long, cpio.TypeFile|0o644, 0, "")}, "create " + long + ": file name too long", syscall.ENAMETOOLONG},
	} {
		root := newRoot(t, t.TempDir())
		err := unpackArchive(root, archive(t, tt.entries...))
		if err == nil || err.Error() != tt.want || !errors.Is(err, tt.errno) {
			t.Errorf("got error %v, want %s", err, tt.want)
		}
		if got, want := root.Entries(), int64(len(tt.entries)-1); got != want {
			t.Errorf("%s: got %d entries unpacked, want %d", tt.want, got, want)
		}
	}
}

// What is wrong with the archive or its source is no error of an operation here.
func TestSourceErrors(t *testing.T) {
	data, err := io.ReadAll(archive(t, mine("a", cpio.TypeFile|0o644, 0, "some content")))
	if err != nil {
		t.Fatal(err)
	}
	cut := data[:116]
	root := newRoot(t, t.TempDir())
	err = unpackArchive(root, bytes.NewReader(cut))
	if got, ok := errors.AsType[*cpio.Error](err); !ok || got.Msg != "unexpected end of archive" {
		t.Errorf("cut archive: got error %v, want a cpio.Error", err)
	}
	root = newRoot(t, t.TempDir())
	err = unpackArchive(root, io.MultiReader(bytes.NewReader(cut), iotest.ErrReader(syscall.EIO)))
	if err != syscall.EIO {
		t.Errorf("broken source: got error %v, want %v as it is", err, syscall.EIO)
	}
}

// A user who is not root cannot give files away, and is told so.
func TestForeignOwner(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may give files away")
	}
	for _, mode := range []uint32{cpio.TypeFile, cpio.TypeDir, cpio.TypeFIFO} {
		e := mine("a", mode|0o755, 0, "")
		e.UID++
		err := unpackArchive(newRoot(t, t.TempDir()), archive(t, e))
		if want := "chown a: operation not permitted"; err == nil || err.Error() != want {
			t.Errorf("mode %o: got error %v, want %s", mode, err, want)
		}
	}
}

// smallTmpfs returns a directory with a tmpfs of its own.
func smallTmpfs(t *testing.T, options string) string {
	t.Helper()
	testenv.Root(t, "mount a tmpfs")
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("mount tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestFull(t *testing.T) {
	for _, tt := range []struct {
		options string
		entry   entry
		want    string
	}{
		{"size=64k", mine("large", cpio.TypeFile|0o644, 0, strings.Repeat("x", 1<<20)), "write large: no space left on device"},
		{"nr_inodes=2", mine("b", cpio.TypeFile|0o644, 0, ""), "create b: no space left on device"},
		{"nr_inodes=2", mine("b", cpio.TypeDir|0o755, 0, ""), "mkdir b: no space left on device"},
		{"nr_inodes=2", mine("b", cpio.TypeLink|0o777, 0, "target"), "symlink b: no space left on device"},
		{"nr_inodes=2", mine("b", cpio.TypeFIFO|0o644, 0, ""), "mknod b: no space left on device"},
	} {
		t.Run(tt.want, func(t *testing.T) {
			root := newRoot(t, smallTmpfs(t, tt.options))
			err := unpackArchive(root, archive(t, mine("a", cpio.TypeDir|0o755, 0, ""), tt.entry))
			if err == nil || err.Error() != tt.want || !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("got error %v, want %s", err, tt.want)
			}
		})
	}
}

// As in an image: the directories come from one archive, the files from others at the
// same time. Inode numbers mean something within an archive only.
func TestParallel(t *testing.T) {
	const archives, files = 8, 100
	dir := t.TempDir()
	root := newRoot(t, dir)
	var dirs, want []entry
	for i := range 10 {
		dirs = append(dirs, mine(fmt.Sprintf("d%d", i), cpio.TypeDir|0o750, int64(i), ""))
	}
	if err := unpackArchive(root, archive(t, dirs...)); err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	for a := range archives {
		var entries []entry
		for i := range files {
			e := mine(fmt.Sprintf("d%d/f%d.%d", i%10, a, i), cpio.TypeFile|0o640, int64(i), fmt.Sprint(a, i))
			entries = append(entries, e)
		}
		one, two := &entries[0], &entries[1] // are names of one file
		one.Nlink, two.Nlink, two.MTime, two.body = 2, 2, one.MTime, ""
		in := archive(t, entries...)
		two.body = one.body
		want = append(want, entries...)
		done.Go(func() {
			if err := unpackArchive(root, in); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if err := root.Finish(); err != nil {
		t.Fatal(err)
	}
	want = append(want, dirs...)
	if got, want := root.Entries(), int64(len(want)); got != want {
		t.Errorf("entries: got %d, want %d", got, want)
	}
	for _, e := range want {
		if got, want := found(t, dir, e.Name), wanted(e); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// BenchmarkArchive unpacks a root of 7,000 entries and 100 MB onto a tmpfs, and, for
// the floor, writes the same bytes there into one file.
func BenchmarkArchive(b *testing.B) {
	const tmpfs = "/dev/shm"
	if _, err := os.Stat(tmpfs); err != nil {
		b.Skip(err)
	}
	var entries []entry
	for i := range 500 {
		entries = append(entries, mine(fmt.Sprintf("dir%03d", i), cpio.TypeDir|0o755, 1, ""))
	}
	body := strings.Repeat("0123456789abcdef", 1<<10) // 16 KiB: 6,500 files of it are 100 MB
	for i := range 6500 {
		entries = append(entries, mine(fmt.Sprintf("dir%03d/file%04d", i%500, i), cpio.TypeFile|0o644, 1, body))
	}
	in := archive(b, entries...)
	for _, bench := range []struct {
		name string
		run  func(dir string) error
	}{
		{"unpack", func(dir string) error {
			root := newRoot(b, dir)
			if err := unpackArchive(root, in); err != nil {
				return err
			}
			return root.Finish()
		}},
		{"floor", func(dir string) error {
			f, err := os.Create(filepath.Join(dir, "all"))
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = io.Copy(f, in)
			return err
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(in.Size())
			for b.Loop() {
				dir, err := os.MkdirTemp(tmpfs, "unpack")
				if err != nil {
					b.Fatal(err)
				}
				in.Seek(0, io.SeekStart)
				if err := bench.run(dir); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := os.RemoveAll(dir); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}
