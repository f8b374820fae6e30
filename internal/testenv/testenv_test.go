package testenv_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestMissing runs itself as another process, in which things are missing.
func TestMissing(t *testing.T) {
	switch os.Getenv("TESTENV_MISSING") {
	case "tool":
		testenv.Tool(t, "no-such-program")
		return
	case "kernel":
		testenv.Kernel(t, "pdp11")
		return
	case "root":
		testenv.DebianRoot(t)
		return
	}

	for _, what := range []string{"tool", "kernel", "root"} {
		for _, test := range []struct{ env, want string }{
			{"MKINITFS_TEST_ALL=", "--- SKIP: TestMissing"},
			{"MKINITFS_TEST_ALL=1", "--- FAIL: TestMissing"},
		} {
			self := exec.Command(os.Args[0], "-test.run=^TestMissing$", "-test.v")
			self.Env = append(os.Environ(), "TESTENV_MISSING="+what, "MKINITFS_TEST_FAST=", "XDG_CACHE_HOME="+t.TempDir(), test.env)
			out, _ := self.CombinedOutput() // a failed test is a failed process
			if !strings.Contains(string(out), test.want) || !strings.Contains(string(out), "internal/testenv/") {
				t.Errorf("%s missing, %s: got %q, want %q and the script that helps", what, test.env, out, test.want)
			}
		}
	}
}
