package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/arch"
)

// Exec returns the flags with which "go test" and "go run" start programs that are
// compiled for goarch, without cgo: none where this machine runs them, else -exec and an
// emulator. Only a try can tell: a 64-bit x86 kernel may run no 32-bit programs
// (CONFIG_IA32_EMULATION), and binfmt_misc may run those of other architectures.
func Exec(t testing.TB, goarch string) []string {
	t.Helper()
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", program, source)
	build.Env = append(os.Environ(), "GOARCH="+goarch, "GOMIPS=softfloat", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	if exec.Command(program).Run() == nil {
		return nil
	}
	// A signal costs a thread of an emulated 386 its TLS segment (seen with QEMU 7.2), and
	// Go's scheduler sends some to interrupt what runs for long.
	return []string{"-exec", "env GODEBUG=asyncpreemptoff=1 " + Tool(t, arch.Emulator(goarch))}
}
