package newfile

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func write(t *testing.T, path, text string, perm os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), perm); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, perm); err != nil {
		t.Fatal(err)
	}
}

func TestStands(t *testing.T) {
	for name, test := range map[string]struct {
		was  string
		mode os.FileMode // of the target
		perm os.FileMode // of the new file
		want bool
	}{
		"same bytes":                  {"image", 0o644, 0o666, true},
		"same bytes, run by all":      {"image", 0o755, 0o666, true},
		"other bytes":                 {"imagE", 0o644, 0o666, false},
		"shorter":                     {"imag", 0o644, 0o666, false},
		"longer":                      {"images", 0o644, 0o666, false},
		"private":                     {"image", 0o600, 0o600, true},
		"private now, open to others": {"image", 0o640, 0o600, false},
	} {
		t.Run(name, func(t *testing.T) {
			target := filepath.Join(t.TempDir(), "image")
			write(t, target, test.was, test.mode)
			f := create(t, target, test.perm)
			defer f.Close()
			io.WriteString(f, "image")
			if got := f.Stands(); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
	f := create(t, filepath.Join(t.TempDir(), "image"), 0o600)
	defer f.Close()
	if f.Stands() {
		t.Error("a target that does not exist stands")
	}
}

func TestReplaces(t *testing.T) {
	dir := t.TempDir()
	path, other, absent := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")
	write(t, path, "", 0o600)
	if err := os.Link(path, other); err != nil {
		t.Skipf("no hard links here: %v", err)
	}
	for out, want := range map[string]bool{path: true, dir + "/./a": true, other: false, absent: false, "": false} {
		if got := Replaces(out, []string{absent, path}); got != want {
			t.Errorf("%q: got %v, want %v", out, got, want)
		}
	}
}

func TestTouch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "image")
	write(t, path, "", 0o600)
	old := time.Unix(1000, 0)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	if err := Touch(path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || !info.ModTime().After(old) {
		t.Errorf("got time %v, %v, want a later one than %v", info.ModTime(), err, old)
	}
	if err := Touch(path + "x"); err == nil || err.Error() != "touch "+path+"x: no such file or directory" {
		t.Errorf("got error %v", err)
	}
}
