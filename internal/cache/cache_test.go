package cache

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func keep(f Folder, key, content string) {
	w := f.Create(key)
	defer w.Close()
	io.WriteString(w, content)
	w.Keep()
}

// get returns what is kept under key, or "nothing".
func get(t *testing.T, f Folder, key string) string {
	t.Helper()
	r := f.Open(key)
	if r == nil {
		return "nothing"
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func names(t *testing.T, f Folder) []string {
	t.Helper()
	entries, err := os.ReadDir(string(f))
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
	f := Folder(filepath.Join(t.TempDir(), "new", "folder"))
	if got := get(t, f, "a"); got != "nothing" {
		t.Errorf("in a folder that is not there: got %q", got)
	}
	keep(f, "a", "one")
	keep(f, "b", "")
	keep(f, "a", "two")
	for key, want := range map[string]string{"a": "two", "b": "", "c": "nothing"} {
		if got := get(t, f, key); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	unfinished := f.Create("d")
	io.WriteString(unfinished, "half")
	unfinished.Close()
	if got, want := names(t, f), []string{"a", "b"}; !slices.Equal(got, want) {
		t.Errorf("got %q in the folder, want %q", got, want)
	}
	for path, want := range map[string]os.FileMode{"": 0o700, "a": 0o600} {
		info, err := os.Stat(filepath.Join(string(f), path))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: got mode %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}

func TestDamage(t *testing.T) {
	f := Folder(t.TempDir())
	keep(f, "key", "content")
	path := filepath.Join(string(f), "key")
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
			if got := get(t, f, "key"); got != "nothing" {
				t.Errorf("of %d bytes with damage at %d: got %q", len(damaged), i, got)
			}
		}
	}
	keep(f, "key", "content")
	if got := get(t, f, "key"); got != "content" {
		t.Errorf("kept anew: got %q", got)
	}
}

// Where nothing can be kept, nothing is, and nobody is told.
func TestNowhere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, f := range []Folder{"", Folder(file), Folder(file + "/below"), "/proc/nowhere"} {
		keep(f, "key", "content")
		f.Prune()
		if got := get(t, f, "key"); got != "nothing" {
			t.Errorf("%q: got %q", f, got)
		}
	}
	if _, err := os.Stat("key"); err == nil {
		t.Error("something was written to the current folder")
	}
}

func TestSideBySide(t *testing.T) {
	f := Folder(t.TempDir())
	content := strings.Repeat("content", 1<<16)
	done := make(chan string)
	for range 8 {
		go func() {
			keep(f, "key", content)
			f.Prune()
			done <- get(t, f, "key")
		}()
	}
	for range 8 {
		if got := <-done; got != content {
			t.Errorf("got %d bytes, want all of %d", len(got), len(content))
		}
	}
	if got := names(t, f); len(got) != 1 {
		t.Errorf("got %q in the folder, want the key alone", got)
	}
}

func TestPrune(t *testing.T) {
	f := Folder(t.TempDir())
	for i := range 6 {
		key := fmt.Sprint("key", i)
		keep(f, key, strings.Repeat("x", 100-4))
		before := time.Now().Add(-time.Duration(i) * time.Hour)
		if i == 2 {
			before = time.Now().Add(-maxAge - time.Hour)
		}
		if err := os.Chtimes(filepath.Join(string(f), key), before, before); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(string(f), "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	get(t, f, "key5") // has now been used last
	for _, step := range []struct {
		most int64
		want []string
	}{
		{1000, []string{"folder", "key0", "key1", "key3", "key4", "key5"}},
		{500, []string{"folder", "key0", "key1", "key3", "key4", "key5"}},
		{499, []string{"folder", "key0", "key1", "key3", "key5"}},
		{250, []string{"folder", "key0", "key5"}},
		{99, []string{"folder"}},
	} {
		f.prune(step.most)
		if got := names(t, f); !slices.Equal(got, step.want) {
			t.Errorf("with %d bytes: got %q, want %q", step.most, got, step.want)
		}
	}
}
