package stub_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestUnchecked runs the decoders as stubs have them, without bounds checks: what is
// damaged must not end in a fault.
func TestUnchecked(t *testing.T) {
	testenv.Matrix(t)
	out, err := exec.Command("go", "test", "-gcflags=-B", "./lz4", "./xz", "./zstd").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestEmulated decodes what the system's tools have packed, and unpacks, on
// architectures of which there is no kernel to boot.
func TestEmulated(t *testing.T) {
	testenv.Matrix(t)
	for arch, emulator := range map[string]string{"loong64": "qemu-loongarch64", "mips": "qemu-mips"} {
		t.Run(arch, func(t *testing.T) {
			cmd := exec.Command("go", "test", "-exec", testenv.Tool(t, emulator), "-run", "^(TestDecode|TestTool|TestUnpack|TestHardLinks)$",
				"./lz4", "./unpack", "./xz", "./zstd")
			cmd.Env = append(os.Environ(), "GOARCH="+arch, "GOMIPS=softfloat", "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "[no tests to run]") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
