package stub_test

import (
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestDecoderImports holds what the decoders may cost a stub: other packages, even
// those for byte order and formatting, bring reflection with them.
func TestDecoderImports(t *testing.T) {
	const words = module + "/compress/words"
	for decoder, allowed := range map[string][]string{
		"gzip": {"errors", "hash/crc32", "io", "math/bits", words},
		"lz4":  {"errors", "io"},
		"xz":   {"errors", "hash/crc32", "io"},
		"zstd": {"errors", "io", "math/bits", "strconv", words},
	} {
		files, err := filepath.Glob("../../compress/" + decoder + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: got %d source files, error %v", decoder, len(files), err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range f.Imports {
				if got, err := strconv.Unquote(spec.Path.Value); err != nil || !slices.Contains(allowed, got) {
					t.Errorf("%s imports %s, want only %v", name, spec.Path.Value, allowed)
				}
			}
		}
	}
}

// TestUnchecked runs the decoders' tests as stubs have the decoders, without bounds
// checks: what is damaged must not end in a fault.
func TestUnchecked(t *testing.T) {
	testenv.Matrix(t)
	testDecoders(t, runtime.GOARCH, "-gcflags=-B")
}

// TestUnchecked32 does the same where an int has 32 bits, which do not hold all that a
// stream can say.
func TestUnchecked32(t *testing.T) {
	testenv.Sequential(t)
	testDecoders(t, "386", "-gcflags=-B", "-run", "^(TestErrors|TestDamage|TestFlippedBits)$")
}

// TestEmulated decodes what the system's tools have packed, and unpacks, on
// architectures of which there is no kernel to boot.
func TestEmulated(t *testing.T) {
	testenv.Matrix(t)
	for _, arch := range []string{"loong64", "mips"} {
		t.Run(arch, func(t *testing.T) {
			testDecoders(t, arch, "-run", "^(TestDecode|TestTool|TestUnpack|TestHardLinks)$", "../unpack")
		})
	}
}

// testDecoders runs "go test" on the decoders' packages for an architecture, by an
// emulator where this machine does not run its programs.
func testDecoders(t *testing.T, arch string, args ...string) {
	t.Helper()
	args = append(append([]string{"test"}, testenv.Exec(t, arch)...), args...)
	cmd := exec.Command("go", append(args, "../../compress/gzip", "../../compress/lz4", "../../compress/xz", "../../compress/zstd")...)
	cmd.Env = append(os.Environ(), "GOARCH="+arch, "GOMIPS=softfloat", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "[no tests to run]") {
		t.Errorf("%v: %v\n%s", cmd, err, out)
	}
}
