package testenv_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestExec runs a program for this machine, and for others that few machines can run
// without an emulator.
func TestExec(t *testing.T) {
	source := filepath.Join(t.TempDir(), "main.go")
	const text = "package main\n\nimport \"runtime\"\n\nfunc main() { print(runtime.GOARCH) }\n"
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{runtime.GOARCH, "386", "mips"} {
		t.Run(arch, func(t *testing.T) {
			flags := testenv.Exec(t, arch)
			if arch == runtime.GOARCH && len(flags) > 0 {
				t.Errorf("got flags %q, want none for this machine's architecture", flags)
			}
			cmd := exec.Command("go", append(append([]string{"run"}, flags...), source)...)
			cmd.Env = append(os.Environ(), "GOARCH="+arch, "GOMIPS=softfloat", "CGO_ENABLED=0")
			out, err := cmd.CombinedOutput()
			if err != nil || string(out) != arch {
				t.Errorf("%v: got error %v and %q, want %q", cmd, err, out, arch)
			}
		})
	}
}
