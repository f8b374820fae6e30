package compress

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// run runs a system tool as a filter.
func run(t testing.TB, in []byte, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(testenv.Tool(t, name), args...)
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, &stderr)
	}
	return out
}

// The system's tools read what is written here.
func TestToolsRead(t *testing.T) {
	for _, data := range [][]byte{nil, []byte("x"), mixed(9 << 20)} {
		for _, c := range packed() {
			t.Run(c.Name, func(t *testing.T) {
				z := encode(t, c, data, Options{Size: int64(len(data)), Level: 1})
				if got := run(t, z, c.Name, "-d", "-c"); !bytes.Equal(got, data) {
					t.Errorf("got %d bytes, want %d", len(got), len(data))
				}
			})
		}
	}
}

// What the system's tools write is read here.
func TestToolsWrite(t *testing.T) {
	for _, data := range [][]byte{nil, []byte("x"), mixed(9 << 20)} {
		for _, tool := range [][]string{
			{"gzip", "-1"},
			{"gzip", "-6"},
			{"zstd", "-3"},
			{"zstd", "--no-check", "-12"},
			{"zstd", "--ultra", "-5", "--long=27"},
			{"xz", "-1"}, // CRC64
			{"xz", "-1", "--check=crc32", "--block-size=1MiB", "-T2"},
			{"xz", "-1", "--check=none"},
			{"xz", "-1", "--check=sha256"},
			{"lz4", "-l", "-1"},
			{"lz4", "-l", "-9"},
			{"lz4", "-1"},
			{"lz4", "-9", "-B4", "-BD", "-BX", "--content-size"},
			{"lz4", "-1", "--no-frame-crc", "-B5"},
			{"bzip2", "-1"},
			{"bzip2", "-9"},
			{"xz", "--format=lzma", "-1"},
			{"xz", "--format=lzma", "-6e"},
		} {
			t.Run(tool[0], func(t *testing.T) {
				name := tool[0]
				if slices.Contains(tool, "--format=lzma") {
					name = "lzma"
				} else if name == "lz4" && !slices.Contains(tool, "-l") {
					name = "lz4-frame"
				}
				z := run(t, data, tool[0], append(tool[1:], "-c")...)
				c := Detect(z)
				if c == nil || c.Name != name {
					t.Fatalf("%q: detected %v, want %s", tool, c, name)
				}
				got, err := decodeBytes(c, append(z, "\x00\x00\x00\x00behind"...))
				if err != nil {
					t.Fatalf("%q: %v", tool, err)
				}
				if !bytes.Equal(got, data) {
					t.Errorf("%q: got %d bytes, want %d", tool, len(got), len(data))
				}
			})
		}
	}
}

// The tools report the windows that [Codec.Window] promises, and the checks that
// the kernel has.
func TestToolsHeaders(t *testing.T) {
	for _, test := range []struct {
		codec *Codec
		o     Options
		size  int
		args  []string
		want  []string
	}{
		{&zstdCodec, Options{Size: 3 << 20}, 3 << 20, []string{"-l", "-v"}, []string{`Window Size: 4\.0+ MiB`, `Check: XXH64`, `# Zstandard Frames: 1\n`}},
		{&zstdCodec, Options{Size: 3 << 20, Small: true}, 3 << 20, []string{"-l", "-v"}, []string{`Window Size: 1\.0+ MiB`}},
		{&zstdCodec, Options{Level: 19}, 9 << 20, []string{"-l", "-v"}, []string{`Window Size: 8\.0+ MiB`}},
		{&xzCodec, Options{Size: 3 << 20}, 3 << 20, []string{"-l", "-v", "-v"}, []string{`CRC32`, `--lzma2=dict=3MiB`}},
		{&xzCodec, Options{Size: 3 << 20, Small: true}, 3 << 20, []string{"-l", "-v", "-v"}, []string{`--lzma2=dict=1MiB`}},
		{&xzCodec, Options{}, 100, []string{"-l", "-v", "-v"}, []string{`--lzma2=dict=8MiB`}},
	} {
		t.Run(test.codec.Name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "stream."+map[string]string{"zstd": "zst", "xz": "xz"}[test.codec.Name])
			if err := os.WriteFile(file, encode(t, test.codec, mixed(test.size), test.o), 0o600); err != nil {
				t.Fatal(err)
			}
			out := run(t, nil, test.codec.Name, append(test.args, file)...)
			for _, want := range test.want {
				if !regexp.MustCompile(want).Match(out) {
					t.Errorf("%+v: got\n%swant %s in it", test.o, out, want)
				}
			}
		})
	}
}

// gzip's header holds neither a name nor a time.
func TestGzipHeader(t *testing.T) {
	z := encode(t, &gzipCodec, []byte("x"), Options{})
	if got, want := z[:8], []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0}; !bytes.Equal(got, want) {
		t.Errorf("got % x, want % x", got, want)
	}
}
