package newfile

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// named returns a new file that has its fresh name from the start, as where there is no
// O_TMPFILE.
func named(t *testing.T, target string, perm os.FileMode) *File {
	t.Helper()
	f := &File{target: target, perm: perm}
	if err := f.openNamed(); err != nil {
		t.Fatal(err)
	}
	return f
}

func create(t *testing.T, target string, perm os.FileMode) *File {
	t.Helper()
	f, err := Create(target, perm)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// ways are those in which a new file comes about.
var ways = map[string]func(*testing.T, string, os.FileMode) *File{"as the file system can": create, "named": named}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestPlace(t *testing.T) {
	const umask = 0o027
	defer syscall.Umask(syscall.Umask(umask))
	for way, create := range ways {
		t.Run(way, func(t *testing.T) {
			dir := t.TempDir()
			target := filepath.Join(dir, "image")
			if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			f := create(t, target, 0o666)
			defer f.Close()
			if _, err := io.WriteString(f, "new"); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(target); err != nil || string(got) != "old" {
				t.Errorf("before Place: got %q, %v, want the old file", got, err)
			}
			if err := f.Place(); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(target); err != nil || string(got) != "new" {
				t.Errorf("after Place: got %q, %v, want the new file", got, err)
			}
			if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o666&^umask {
				t.Errorf("got mode %v, %v, want what the umask leaves of 0666", info.Mode(), err)
			}
			if got := names(t, dir); !slices.Equal(got, []string{"image"}) {
				t.Errorf("got %q in the directory, want the image alone", got)
			}
		})
	}
}

// TestClose checks that a file closed before it is placed leaves no trace.
func TestClose(t *testing.T) {
	for way, create := range ways {
		t.Run(way, func(t *testing.T) {
			dir := t.TempDir()
			f := create(t, filepath.Join(dir, "image"), 0o600)
			io.WriteString(f, "new")
			f.Close()
			if got := names(t, dir); got != nil {
				t.Errorf("got %q in the directory, want nothing", got)
			}
		})
	}
}

// TestErrors checks that errors name the path that the caller gave.
func TestErrors(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "absent", "image")
	if _, err := Create(target, 0o600); err == nil || err.Error() != "create "+target+": no such file or directory" {
		t.Errorf("Create: got %v", err)
	}
	if _, err := Temp(target); err == nil || err.Error() != "create a file in "+target+": no such file or directory" {
		t.Errorf("Temp: got %v", err)
	}
	for way, create := range ways {
		target := filepath.Join(dir, way)
		f := create(t, target, 0o600)
		if err := os.Mkdir(target, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := f.Place(); err == nil || !strings.HasPrefix(err.Error(), "replace "+target+": ") {
			t.Errorf("Place, %s: got %v", way, err)
		}
		f.Close()
	}
	if got := names(t, dir); len(got) != len(ways) {
		t.Errorf("got %q in the directory, want what was there", got)
	}
}

// A nameless file that cannot be linked is copied.
func TestNoLink(t *testing.T) {
	target := filepath.Join(t.TempDir(), "image")
	fd, err := open(dirOf(target), unix.O_TMPFILE|unix.O_RDWR|unix.O_EXCL, 0o600) // which O_EXCL forbids
	if err != nil {
		t.Skipf("no nameless files here: %v", err)
	}
	f := &File{File: os.NewFile(uintptr(fd), target), target: target, perm: 0o644}
	defer f.Close()
	io.WriteString(f, "new")
	if err := f.Place(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(target); err != nil || string(got) != "new" {
		t.Errorf("got %q, %v, want the new file", got, err)
	}
	if got := names(t, filepath.Dir(target)); len(got) != 1 {
		t.Errorf("got %q in the directory, want the image alone", got)
	}
}

func TestTemp(t *testing.T) {
	dir := t.TempDir()
	unlinked := func(dir string) (*os.File, error) {
		fd, err := openUnlinked(filepath.Join(dir, "mkinitfs"))
		return os.NewFile(uintptr(fd), dir), err
	}
	for i, temp := range []func(string) (*os.File, error){Temp, unlinked} {
		f, err := temp(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := io.WriteString(f, "some"); err != nil {
			t.Error(err)
		}
		if got := names(t, dir); got != nil {
			t.Errorf("file %d: got %q in the directory, want nothing", i, got)
		}
	}
}

// A process that is killed between linkat and rename leaves one file, which goes a day later.
// Other files stay: those that are locked, young, or another program's.
func TestSweep(t *testing.T) {
	if dir := os.Getenv("NEWFILE_CRASH"); dir != "" {
		f := create(t, filepath.Join(dir, "image"), 0o600)
		io.WriteString(f, "new")
		if f.name == "" {
			if err := f.link(); err != nil {
				t.Fatal(err)
			}
		}
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	dir := t.TempDir()
	crash := exec.Command(os.Args[0], "-test.run=^TestSweep$")
	crash.Env = append(os.Environ(), "NEWFILE_CRASH="+dir)
	err := crash.Run()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("got %v, want a killed process", err)
	}
	left := names(t, dir)
	if len(left) != 1 || targetOf(left[0]) != "image" {
		t.Fatalf("got %q in the directory, want one leftover", left)
	}
	held := named(t, filepath.Join(dir, "image"), 0o600)
	defer held.Close()
	heldName := filepath.Base(held.name)
	others := []string{
		".image.new-0123456", ".image.new-0123456g", ".image.new-012345678", "image.new-01234567", ".image.1234-0", ".new-01234567",
		".other.new-01234567", "image", ".image.new-fedcba98", ".image.new-ffffffff",
	}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	os.Remove(filepath.Join(dir, ".image.new-ffffffff"))
	if err := os.Symlink("image", filepath.Join(dir, ".image.new-ffffffff")); err != nil {
		t.Fatal(err)
	}
	young := ".image.new-fedcba98"
	for _, name := range append(others, left[0], heldName) {
		old := time.Now().Add(-minStale - time.Hour)
		if name == young {
			old = time.Now().Add(time.Hour - minStale)
		}
		times := []unix.Timespec{{Sec: old.Unix()}, {Sec: old.Unix()}}
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, filepath.Join(dir, name), times, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			t.Fatal(err)
		}
	}
	Sweep(filepath.Join(dir, "image"))
	want := slices.Sorted(slices.Values(append(others, heldName)))
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("got %q in the directory, want %q", got, want)
	}
	SweepDir(dir)
	want = slices.DeleteFunc(want, func(name string) bool { return name == ".other.new-01234567" })
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("after all were swept: got %q in the directory, want %q", got, want)
	}
	for _, name := range want {
		if Unfinished(name) != (name == young || name == ".image.new-ffffffff" || name == heldName) {
			t.Errorf("%q: got Unfinished %v", name, Unfinished(name))
		}
	}
}
