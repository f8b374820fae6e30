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
	const words = module + "/builder/stub/words"
	for decoder, allowed := range map[string][]string{
		"gzip": {"errors", "hash/crc32", "io", "math/bits", words},
		"lz4":  {"errors", "io"},
		"xz":   {"errors", "hash/crc32", "io"},
		"zstd": {"errors", "io", "math/bits", "strconv", words},
	} {
		files, err := filepath.Glob(decoder + "/*.go")
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

// unchecked runs tests of the decoders as stubs have them, without bounds checks: what
// is damaged must not end in a fault.
func unchecked(t *testing.T, arch, run string) {
	t.Helper()
	cmd := exec.Command("go", "test", "-gcflags=-B", "-run", run, "./gzip", "./lz4", "./xz", "./zstd")
	cmd.Env = append(os.Environ(), "GOARCH="+arch, "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "[no tests to run]") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestUnchecked(t *testing.T) {
	testenv.Matrix(t)
	unchecked(t, runtime.GOARCH, ".")
}

// Where an int has 32 bits it does not hold all that a stream can say.
func TestUnchecked32(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("only amd64 runs what is compiled for 386")
	}
	unchecked(t, "386", "^(TestErrors|TestDamage|TestFlippedBits)$")
}

// TestEmulated decodes what the system's tools have packed, and unpacks, on
// architectures of which there is no kernel to boot.
func TestEmulated(t *testing.T) {
	testenv.Matrix(t)
	for arch, emulator := range map[string]string{"loong64": "qemu-loongarch64", "mips": "qemu-mips"} {
		t.Run(arch, func(t *testing.T) {
			cmd := exec.Command("go", "test", "-exec", testenv.Tool(t, emulator), "-run", "^(TestDecode|TestTool|TestUnpack|TestHardLinks)$",
				"./gzip", "./lz4", "./unpack", "./xz", "./zstd")
			cmd.Env = append(os.Environ(), "GOARCH="+arch, "GOMIPS=softfloat", "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "[no tests to run]") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
