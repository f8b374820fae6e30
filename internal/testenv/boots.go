package testenv

import (
	"cmp"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Boots declares that t boots a machine. A test that uses Kernel need not call it.
func Boots(t testing.TB) {
	t.Helper()
	if os.Getenv("MKINITFS_TEST_FAST") == "1" {
		t.Skip("MKINITFS_TEST_FAST=1: no boots")
	}
}

// Slot waits for its turn to boot a machine and returns the function that ends it.
// Packages are tested by processes of their own, so slots are files in the user's cache,
// one a CPU or as many as MKINITFS_TEST_BOOTS says, held by flock(2): a process that
// dies gives its own back.
func Slot(t testing.TB) (release func()) {
	t.Helper()
	slots, err := strconv.Atoi(cmp.Or(os.Getenv("MKINITFS_TEST_BOOTS"), strconv.Itoa(runtime.NumCPU())))
	if err != nil || slots < 1 {
		t.Fatalf("MKINITFS_TEST_BOOTS=%q: want the number of machines to boot at a time", os.Getenv("MKINITFS_TEST_BOOTS"))
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "mkinitfs", "boots")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}

	// flock waits for one file only, so each slot has somebody who waits for it. All but
	// the first to get one give theirs back.
	first, done := make(chan *os.File), make(chan struct{})
	defer close(done)
	for i := range slots {
		f, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(i)), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for syscall.Flock(int(f.Fd()), syscall.LOCK_EX) == syscall.EINTR {
			}
			select {
			case first <- f:
			case <-done:
				f.Close()
			}
		}()
	}
	f := <-first
	return func() { f.Close() }
}

// Timeout returns when a process that a test started counts as hung: much later than it needs
// on a slow, busy machine. MKINITFS_TEST_TIMEOUT=1h is for a slower machine.
func Timeout(t testing.TB) time.Duration {
	t.Helper()
	text := cmp.Or(os.Getenv("MKINITFS_TEST_TIMEOUT"), "10m")
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		t.Fatalf("MKINITFS_TEST_TIMEOUT=%q: want a duration such as 30m", text)
	}
	return d
}
