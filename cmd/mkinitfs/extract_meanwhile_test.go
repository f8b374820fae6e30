package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// TestExtractMeanwhile swaps names in the tree while extract waits for the rest of the image.
// The owner of an existing directory swaps them.
func TestExtractMeanwhile(t *testing.T) {
	owner := os.Geteuid()
	mode := os.FileMode(0o777)
	if owner == 0 {
		owner, mode = 1000, 0o755
	}
	entry := func(name string, mode uint32) *cpio.Header {
		return &cpio.Header{Name: name, Mode: mode, Nlink: 1, UID: uint32(owner), GID: uint32(owner)}
	}
	file := func(name, content string) *cpio.Header {
		h := entry(name, cpio.TypeFile|0o666)
		h.Ino, h.Nlink, h.Size = 7, 2, int64(len(content))
		return h
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"root", "root/u", "root/u/private"} {
		check(t, os.Mkdir(at(name), 0o700))
	}
	check(t, os.WriteFile(at("secret"), []byte("secret\n"), 0o600))
	check(t, os.Chmod(at("root/u"), mode))
	check(t, os.Lchown(at("root/u"), owner, -1))
	secret, private := stateOf(t, at("secret")), stateOf(t, at("root/u/private"))

	cmd := exec.Command(commandPath(t), "extract", "--force", "-", at("root"))
	stdin, err := cmd.StdinPipe()
	check(t, err)
	var words bytes.Buffer
	cmd.Stderr = &words
	check(t, cmd.Start())

	w := cpio.NewWriter(stdin)
	check(t, w.WriteHeader(file("u/one", "")))
	check(t, w.WriteHeader(entry("u/d", cpio.TypeDir|0o777)))
	check(t, w.WriteHeader(entry("v", cpio.TypeDir|0o777)))
	appears(t, at("root/v"))
	for _, name := range []string{"v", "u/d"} {
		if got, want := stateOf(t, at("root/"+name)), fmt.Sprintf("40700 %d", os.Geteuid()); !strings.HasPrefix(got, want) {
			t.Errorf("/%s while there is more to come: got %s, want %s", name, got, want)
		}
	}
	check(t, os.Remove(at("root/u/one")))
	check(t, os.Link(at("secret"), at("root/u/one")))
	check(t, os.Rename(at("root/u/d"), at("root/u/gone")))
	check(t, os.Rename(at("root/u/private"), at("root/u/d")))
	check(t, w.WriteHeader(file("u/two", "overwritten\n")))
	_, err = io.WriteString(w, "overwritten\n")
	check(t, err)
	check(t, w.Close())
	check(t, stdin.Close())

	err = cmd.Wait()
	if got, want := words.String(), "mkinitfs: standard input: open "+at("root/u/d")+": somebody else has moved or replaced it meanwhile\n"; err == nil || !strings.HasSuffix(got, want) {
		t.Errorf("got %v and %q, want an error and %q", err, got, want)
	}
	if got := stateOf(t, at("secret")); got != secret {
		t.Errorf("a file outside: got %s, want %s", got, secret)
	}
	if got := stateOf(t, at("root/u/d")); got != private {
		t.Errorf("another directory: got %s, want %s", got, private)
	}
	if got, err := os.ReadFile(at("root/u/two")); string(got) != "overwritten\n" {
		t.Errorf("/u/two: got %q, %v", got, err)
	}
	// The rest is as in the image.
	if got, want := stateOf(t, at("root/v")), fmt.Sprintf("40777 %d", owner); !strings.HasPrefix(got, want) {
		t.Errorf("/v: got %s, want %s", got, want)
	}
}

// appears waits until a file exists.
func appears(t *testing.T, name string) {
	t.Helper()
	for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(time.Millisecond) {
		if _, err := os.Lstat(name); err == nil {
			return
		}
	}
	t.Fatalf("%s does not appear", name)
}

// stateOf returns the mode, owner and content of a file.
func stateOf(t *testing.T, name string) string {
	t.Helper()
	var s unix.Stat_t
	check(t, unix.Lstat(name, &s))
	content, _ := os.ReadFile(name)
	return fmt.Sprintf("%o %d:%d %q", s.Mode, s.Uid, s.Gid, content)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
