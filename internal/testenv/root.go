package testenv

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Root skips t unless it may do what root may. In a container or a user namespace root may not
// make device nodes, so Root makes one. The last argument ends the sentence "only root can".
func Root(t testing.TB, what string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can " + what)
	}
	const null = 1<<8 | 3
	node := filepath.Join(t.TempDir(), "null")
	if err := syscall.Mknod(node, syscall.S_IFCHR|0o600, null); err != nil {
		t.Skipf("only root can %s, and this root may not make device nodes: %v", what, err)
	}
}
