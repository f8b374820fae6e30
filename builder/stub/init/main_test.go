//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// The stub runs with umask 0.
func TestMain(m *testing.M) {
	syscall.Umask(0)
	if len(os.Args) > 2 && os.Args[1] == bootWord {
		becomeStub(os.Args[2], os.Args[3:])
	}
	os.Exit(m.Run())
}

func needRoot(t *testing.T, what string) {
	t.Helper()
	testenv.Root(t, what)
}

// nowhere returns a kmsg for a boot whose words do not matter.
func nowhere(t *testing.T) int {
	t.Helper()
	fd, err := syscall.Open("/dev/null", syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	return fd
}

// listen returns a kmsg and a function that returns what was written to it.
func listen(t *testing.T) (int, func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kmsg")
	fd, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	return fd, func() string {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
}

// makeTree makes a tree below dir: names that end with a slash are directories, a
// value "-> target" makes a link, any other a file with that text.
func makeTree(t testing.TB, dir string, tree map[string]string) {
	t.Helper()
	for name, text := range tree {
		path := filepath.Join(dir, name)
		parent := filepath.Dir(path)
		if name[len(name)-1] == '/' {
			parent = path
		}
		if err := os.MkdirAll(parent, 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			err = os.Symlink(target, path)
		} else if parent != path {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
