package cache

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func keep(d Dir, key, content string) {
	w := d.Create(key)
	defer w.Close()
	io.WriteString(w, content)
	w.Keep(sha256.Sum256([]byte(content)))
}

// newDir returns a directory that the user has named.
func newDir(t *testing.T) Dir {
	t.Helper()
	d, err := In(t.TempDir(), "kept")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// get returns what is kept under key, or "nothing".
func get(t *testing.T, d Dir, key string) string {
	t.Helper()
	e := d.Open(key)
	if e == nil {
		return "nothing"
	}
	defer e.Close()
	content, err := io.ReadAll(e)
	if err != nil {
		t.Fatal(err)
	}
	if e.SHA256 != sha256.Sum256(content) {
		t.Errorf("%s: got another SHA-256", key)
	}
	return string(content)
}

func names(t *testing.T, d Dir) []string {
	t.Helper()
	entries, err := os.ReadDir(d.path)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestKeep(t *testing.T) {
	d := newDir(t)
	if got := get(t, d, "a"); got != "nothing" {
		t.Errorf("before anything is kept: got %q", got)
	}
	keep(d, "a", "one")
	keep(d, "b", "")
	keep(d, "a", "two")
	for key, want := range map[string]string{"a": "two", "b": "", "c": "nothing"} {
		if got := get(t, d, key); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	unfinished := d.Create("d")
	io.WriteString(unfinished, "half")
	unfinished.Close()
	if got, want := names(t, d), []string{"a", "b"}; !slices.Equal(got, want) {
		t.Errorf("got %q in the directory, want %q", got, want)
	}
	for path, want := range map[string]os.FileMode{"": 0o700, "a": 0o600} {
		info, err := os.Stat(filepath.Join(d.path, path))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: got mode %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}

func TestDamage(t *testing.T) {
	d := newDir(t)
	keep(d, "key", "content")
	path := filepath.Join(d.path, "key")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		flipped := slices.Clone(whole)
		flipped[i] ^= 1
		for _, damaged := range [][]byte{flipped, whole[:i], append(make([]byte, i+1), whole...)} {
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			if got := get(t, d, "key"); got != "nothing" {
				t.Errorf("of %d bytes with damage at %d: got %q", len(damaged), i, got)
			}
		}
	}
	keep(d, "key", "content")
	if got := get(t, d, "key"); got != "content" {
		t.Errorf("kept anew: got %q", got)
	}
}

// TestSwap checks that a file under another one's name is not used.
func TestSwap(t *testing.T) {
	d := newDir(t)
	keep(d, "a", "one")
	keep(d, "b", "two")
	path := func(key string) string { return filepath.Join(d.path, key) }
	for _, names := range [][2]string{{"a", "x"}, {"b", "a"}, {"x", "b"}} {
		if err := os.Rename(path(names[0]), path(names[1])); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"a", "b"} {
		if got := get(t, d, key); got != "nothing" {
			t.Errorf("%s: got %q, want nothing", key, got)
		}
	}
}

// TestNowhere checks that a directory that cannot be written keeps nothing and finds nothing.
func TestNowhere(t *testing.T) {
	var d Dir
	keep(d, "key", "content")
	d.Prune()
	if got := get(t, d, "key"); got != "nothing" {
		t.Errorf("got %q", got)
	}
	if _, err := os.Stat("key"); err == nil {
		t.Error("something was written to the current directory")
	}
}

func TestSideBySide(t *testing.T) {
	d := newDir(t)
	content := strings.Repeat("content", 1<<16)
	done := make(chan string)
	for range 8 {
		go func() {
			keep(d, "key", content)
			d.Prune()
			done <- get(t, d, "key")
		}()
	}
	for range 8 {
		if got := <-done; got != content {
			t.Errorf("got %d bytes, want all of %d", len(got), len(content))
		}
	}
	if got := names(t, d); len(got) != 1 {
		t.Errorf("got %q in the directory, want the key alone", got)
	}
}

// TestPruneLeftovers checks that the files of a killed process go after a day, and that files
// being written stay.
func TestPruneLeftovers(t *testing.T) {
	d := newDir(t)
	w := d.Create("key")
	defer w.Close()
	old := time.Now().Add(-2 * maxAge)
	for _, name := range []string{".key.new-01234567", ".key.new-89abcdef"} {
		path := filepath.Join(d.path, name)
		if err := os.WriteFile(path, make([]byte, 1000), 0o600); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(name, ".key.new-0") {
			os.Chtimes(path, old, old)
		}
	}
	d.prune(0)
	if got := names(t, d); slices.Contains(got, ".key.new-01234567") || !slices.Contains(got, ".key.new-89abcdef") {
		t.Errorf("got %q in the directory, want the young one of two leftovers", got)
	}
}

func TestPrune(t *testing.T) {
	overhead := len(trailer("key0", 0, make([]byte, sha256.Size)))
	d := newDir(t)
	for i := range 6 {
		key := fmt.Sprint("key", i)
		keep(d, key, strings.Repeat("x", 100-overhead))
		before := time.Now().Add(-time.Duration(i) * time.Hour)
		if i == 2 {
			before = time.Now().Add(-maxAge - time.Hour)
		}
		if err := os.Chtimes(filepath.Join(d.path, key), before, before); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(d.path, "directory"), 0o700); err != nil {
		t.Fatal(err)
	}
	get(t, d, "key5") // has now been used last
	for _, step := range []struct {
		most int64
		want []string
	}{
		{1000, []string{"directory", "key0", "key1", "key3", "key4", "key5"}},
		{500, []string{"directory", "key0", "key1", "key3", "key4", "key5"}},
		{499, []string{"directory", "key0", "key1", "key3", "key5"}},
		{250, []string{"directory", "key0", "key5"}},
		{99, []string{"directory"}},
	} {
		d.prune(step.most)
		if got := names(t, d); !slices.Equal(got, step.want) {
			t.Errorf("with %d bytes: got %q, want %q", step.most, got, step.want)
		}
	}
}
