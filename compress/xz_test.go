package compress

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/compress/bcj"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// machineCode returns bytes that the filters take for calls and jumps, and a part of a
// program.
func machineCode(t testing.TB) []byte {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 6))
	var b []byte
	for len(b) < 300_000 {
		op := []string{
			"\xe8", "\xe9", "\xe8\xe9", "\x00", "\xff", "\x00\x00\x00\x00", "\x48\x00\x01\x01", "\x4b\xff\xff\xfd",
			"\xfe\xff\xff\xeb", "\x00\xf0\x10\xf8", "\xff\xf7\xfe\xff", "\x40\x00\x00\x10", "\x7f\xff\xff\xf0",
			"\x01\x00\x00\x94", "\x20\x00\x00\x90", "\xe1\xff\xff\xf0", "\xef\x00\x10\x00", "\x97\x00\x00\x00\xe7\x80\x40\x01",
			"\x17\x01\x00\x00\x13\x01\x01\x01", "\x17\x31\x31\x51\x00\x01\x02\x03",
		}[rng.IntN(20)]
		b = append(b, op...)
		for range rng.IntN(5) {
			b = append(b, byte(rng.Uint32()))
		}
		if rng.IntN(2) == 0 {
			b = append(b, make([]byte, -len(b)&3)...)
		}
	}
	return append(b, program[len(program)/4:][:200_001]...)
}

// xzFilters has for each filter the option of xz and what a stream with it demands.
var xzFilters = map[string]Note{
	"x86":      {NoteConfig, "x86 filter: only kernels with CONFIG_XZ_DEC_X86 take it"},
	"powerpc":  {NoteConfig, "PowerPC filter: only kernels with CONFIG_XZ_DEC_POWERPC take it"},
	"arm":      {NoteConfig, "ARM filter: only kernels with CONFIG_XZ_DEC_ARM take it"},
	"armthumb": {NoteConfig, "ARM-Thumb filter: only kernels with CONFIG_XZ_DEC_ARMTHUMB take it"},
	"sparc":    {NoteConfig, "SPARC filter: only kernels with CONFIG_XZ_DEC_SPARC take it"},
	"arm64":    {NoteVersion, "ARM64 filter: only kernels since Linux 6.12 with CONFIG_XZ_DEC_ARM64 take it"},
	"riscv":    {NoteVersion, "RISC-V filter: only kernels since Linux 6.12 with CONFIG_XZ_DEC_RISCV take it"},
}

// knowsFilter reports whether the machine's xz has a filter: ARM64 came with 5.4 and
// RISC-V with 5.6.
func knowsFilter(t testing.TB, name string) bool {
	return exec.Command(testenv.Tool(t, "xz"), "-c", "--"+name, "--lzma2=preset=0", os.DevNull).Run() == nil
}

// xz is the oracle of the filters: what it writes is read, and says what it asks of a kernel.
func TestXZFilters(t *testing.T) {
	code := machineCode(t)
	for name, note := range xzFilters {
		t.Run(name, func(t *testing.T) {
			if !knowsFilter(t, name) {
				t.Skipf("this machine's xz has no --%s", name)
			}
			f := bcj.Lookup(map[string]uint64{"x86": 4, "powerpc": 5, "arm": 7, "armthumb": 8, "sparc": 9, "arm64": 10, "riscv": 11}[name])
			started := Note{NoteRefused, f.Name + " filter with a start offset: no kernel takes it"}
			for _, test := range []struct {
				data []byte
				args []string
				want []Note
			}{
				{code, []string{"--check=crc32", "--" + name}, []Note{note}},
				{code, []string{"--check=crc32", "--block-size=100001", "--" + name}, []Note{note}},
				{code, []string{"--check=crc32", "--" + name + "=start=4294963200"}, []Note{started}},
				{code[:13], []string{"--check=crc32", "--" + name}, []Note{note}},
				{code, []string{"--check=none", "--" + name}, []Note{{NoteUnchecked, "no check: damage goes unseen"}, note}},
				{code, []string{"--check=crc64", "--" + name}, []Note{{NoteRefused, "check is CRC64: no kernel takes it (xz --check=crc32 writes what kernels take)"}, note}},
				{code, []string{"--check=sha256", "--" + name}, []Note{{NoteRefused, "check is SHA-256: no kernel takes it (xz --check=crc32 writes what kernels take)"}, note}},
			} {
				z := run(t, test.data, "xz", append(append([]string{"-c"}, test.args...), "--lzma2=preset=0")...)
				testEnd(t, &xzCodec, append(bytes.Clone(z), "\x00behind"...), test.data, []byte("\x00behind"))
				r, err := xzCodec.NewReader(bufio.NewReader(bytes.NewReader(z)))
				if err != nil {
					t.Fatal(err)
				}
				io.Copy(io.Discard, r)
				if diff := cmp.Diff(test.want, r.Notes()); diff != "" {
					t.Errorf("%q: -want +got\n%s", test.args, diff)
				}
			}
		})
	}
}

// A stream is as small as what the tool makes of the same data with the same dictionary, and
// at level 1 much smaller.
func TestXZSize(t *testing.T) {
	testenv.Sequential(t)
	data := machineCode(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	data = append(data, program[:min(len(program), 1<<20)]...)
	for _, test := range []struct {
		Options
		arg  string
		most float64 // of the tool's bytes
	}{
		{Options{Level: 6}, "-6", 1.002},
		{Options{Level: 6, Small: true}, "--lzma2=preset=6,dict=1MiB", 1.002},
		{Options{Level: 1}, "-1", 0.96},
	} {
		got, want := len(encode(t, &xzCodec, data, test.Options)), len(run(t, data, "xz", "-c", "--check=crc32", test.arg))
		if share := float64(got) / float64(want); share > test.most {
			t.Errorf("%+v: got %d bytes, %.4f of what xz %s makes, want %.3f at most", test.Options, got, share, test.arg, test.most)
		}
	}
}

// Filters that are not read are named.
func TestXZRefused(t *testing.T) {
	data := machineCode(t)[:10_000]
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--delta=dist=4"}, "xz: Delta filter, which mkinitfs does not read (xz -dc does)"},
		{[]string{"--ia64"}, "xz: IA-64 filter, which mkinitfs does not read (xz -dc does)"},
		{[]string{"--x86", "--arm"}, "xz: 2 filters before LZMA2, and kernels take one"},
		{[]string{"--x86", "--delta"}, "xz: 2 filters before LZMA2, and kernels take one"},
		{[]string{"--delta", "--x86"}, "xz: Delta filter, which mkinitfs does not read (xz -dc does)"},
	} {
		z := run(t, data, "xz", slices.Concat([]string{"-c", "--check=crc32"}, test.args, []string{"--lzma2"})...)
		if _, err := decodeBytes(&xzCodec, z); fmt.Sprint(err) != test.want {
			t.Errorf("%q: got error %v, want %s", test.args, err, test.want)
		}
	}
}

// Each check sees damage, in a filtered stream of several blocks, too, and a stream that
// is cut off is an error.
func TestXZDamage(t *testing.T) {
	data := machineCode(t)[:600]
	for _, check := range []string{"crc32", "crc64", "sha256"} {
		z := run(t, data, "xz", "-c", "--check="+check, "--block-size=250", "--x86", "--lzma2=preset=0")
		for i := range 8 * len(z) {
			bad := bytes.Clone(z)
			bad[i/8] ^= 1 << (i % 8)
			if got, err := decodeBytes(&xzCodec, bad); err == nil && !bytes.Equal(got, data) {
				t.Errorf("%s: bit %d changes the data in silence", check, i)
			} else if err != nil && !strings.HasPrefix(err.Error(), "xz: ") {
				t.Errorf("%s: bit %d: got error %q, want it to begin with xz", check, i, err)
			}
		}
		for n := range z {
			if _, err := decodeBytes(&xzCodec, z[:n]); err == nil {
				t.Errorf("%s: %d of %d bytes: got no error", check, n, len(z))
			}
		}
	}
}
