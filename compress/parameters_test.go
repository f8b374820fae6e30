package compress

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestParametersOf reads the heads of streams that the formats' own tools write.
func TestParametersOf(t *testing.T) {
	for _, test := range []struct {
		command string
		want    Parameters
	}{
		{"gzip -9n", Parameters{32 << 10, "CRC-32", ""}},
		{"xz --check=crc32 --lzma2=dict=4MiB", Parameters{4 << 20, "CRC-32", ""}},
		{"xz --check=crc64 --x86 --lzma2=dict=1MiB", Parameters{1 << 20, "CRC-64", "x86 filter"}},
		{"xz --check=none --lzma2=dict=1MiB", Parameters{1 << 20, "none", ""}},
		{"xz --check=sha256 --lzma2=dict=1MiB", Parameters{1 << 20, "SHA-256", ""}},
		{"xz --format=lzma --lzma1=dict=2MiB", Parameters{2 << 20, "none", ""}},
		{"zstd -q --zstd=wlog=20", Parameters{1 << 20, "XXH64", ""}},
		{"zstd -q --no-check --zstd=wlog=19", Parameters{1 << 19, "none", ""}},
		{"bzip2 -3", Parameters{300_000, "CRC-32", ""}},
		{"lz4 -q -l", Parameters{8 << 20, "none", ""}},
	} {
		words := strings.Fields(test.command)
		testenv.Tool(t, words[0])
		cmd := exec.Command(words[0], append(words[1:], "-c")...)
		cmd.Stdin = bytes.NewReader(bytes.Repeat([]byte("0123456789abcdefghij"), 200_000))
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", test.command, err)
		}
		head := out[:min(len(out), HeadSize)]
		if got := ParametersOf(head); got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.command, got, test.want)
		}
		for n := range head { // a head of any length is safe
			ParametersOf(head[:n])
		}
	}
	if got := ParametersOf(make([]byte, 100)); got != (Parameters{}) {
		t.Errorf("zeros: got %+v", got)
	}
}
