package testenv_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestSlot holds all slots but one in another process, and wants this one to get the
// one that is left, and the others once that process is dead.
func TestSlot(t *testing.T) {
	if os.Getenv("TESTENV_HOLD") != "" {
		testenv.Slot(t)
		testenv.Slot(t)
		os.Stdout.WriteString("held\n")
		io.Copy(io.Discard, os.Stdin)
		return
	}
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("MKINITFS_TEST_BOOTS", "3")
	holder := exec.Command(os.Args[0], "-test.run=^TestSlot$")
	holder.Env = append(os.Environ(), "TESTENV_HOLD=1")
	stdin, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "held\n" {
		t.Fatalf("got %q, error %v", line, err)
	}

	release := testenv.Slot(t)
	files, err := filepath.Glob(filepath.Join(cache, "mkinitfs/boots/*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("got %d files, error %v, want 3", len(files), err)
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != syscall.EWOULDBLOCK {
			t.Errorf("%s: got error %v of a fourth to lock it, want that it is taken", name, err)
		}
	}
	release()
	release = testenv.Slot(t)

	holder.Process.Kill()
	holder.Wait()
	defer testenv.Slot(t)()
	defer testenv.Slot(t)()
	release()
}

// TestTimeout reads the variable.
func TestTimeout(t *testing.T) {
	t.Setenv("MKINITFS_TEST_TIMEOUT", "")
	if got := testenv.Timeout(t); got != 10*time.Minute {
		t.Errorf("got %v, want 10m", got)
	}
	t.Setenv("MKINITFS_TEST_TIMEOUT", "90s")
	if got := testenv.Timeout(t); got != 90*time.Second {
		t.Errorf("got %v, want 90s", got)
	}
}
