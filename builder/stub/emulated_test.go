package stub_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestEmulated decodes what the system's tools have packed, and unpacks, on 32-bit
// big-endian MIPS, of which Debian has no kernel to boot.
func TestEmulated(t *testing.T) {
	testenv.Matrix(t)
	cmd := exec.Command("go", "test", "-exec", testenv.Tool(t, "qemu-mips"), "-run", "^(TestDecode|TestTool|TestUnpack|TestHardLinks)$",
		"./lz4", "./unpack", "./xz", "./zstd")
	cmd.Env = append(os.Environ(), "GOARCH=mips", "GOMIPS=softfloat", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
