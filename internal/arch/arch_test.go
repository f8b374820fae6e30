package arch

import (
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestRows holds that no two rows are the same, and that what one names is there.
func TestRows(t *testing.T) {
	for i := range rows {
		r := &rows[i]
		if find(r.name) != r || r.kind.row() != r {
			t.Errorf("%s: another row is the same", r.name)
		}
		for _, name := range r.also {
			if find(name) == nil {
				t.Errorf("%s: no row %q", r.name, name)
			}
		}
		if !r.goarch && (r.others != nil || r.board != nil || r.page != 0 || r.emulator != "") {
			t.Errorf("%s: Go does not compile for it, and it has more than a kind", r.name)
		}
	}
}

// TestNames asks Go itself for what it compiles for.
func TestNames(t *testing.T) {
	out, err := exec.Command("go", "tool", "dist", "list").Output()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, line := range strings.Fields(string(out)) {
		if goarch, ok := strings.CutPrefix(line, "linux/"); ok {
			want = append(want, goarch)
		}
	}
	var got []string
	for _, name := range Names() {
		if goarch := GOARCH(name); !slices.Contains(got, goarch) {
			got = append(got, goarch)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || len(want) == 0 {
		t.Errorf("got %v, Go compiles for %v", got, want)
	}
	if !slices.Contains(Names(), Host()) || GOARCH(Host()) != runtime.GOARCH {
		t.Errorf("got host %s, Go says %s", Host(), runtime.GOARCH)
	}
}

func TestFacts(t *testing.T) {
	for _, test := range []struct {
		name   string // as given
		is     string // in Names
		goarch string
		goarm  string
		is32   bool
		page   int64 // KiB
		qemu   string
		uBoot  uint8
	}{
		{"386", "386", "386", "7", true, 4, "qemu-system-i386", 3},
		{"amd64", "amd64", "amd64", "7", false, 4, "qemu-system-x86_64", 24},
		{"arm", "arm/v7", "arm", "7", true, 4, "qemu-system-arm", 2},
		{"arm/v5", "arm/v5", "arm", "5", true, 4, "qemu-system-arm", 2},
		{"arm/v6", "arm/v6", "arm", "6", true, 4, "qemu-system-arm", 2},
		{"arm64", "arm64", "arm64", "7", false, 4, "qemu-system-aarch64", 22},
		{"loong64", "loong64", "loong64", "7", false, 16, "", 0},
		{"mips", "mips", "mips", "7", true, 4, "qemu-system-mips", 5},
		{"mipsle", "mipsle", "mipsle", "7", true, 4, "qemu-system-mipsel", 5},
		{"mips64", "mips64", "mips64", "7", false, 16, "", 5},
		{"mips64le", "mips64le", "mips64le", "7", false, 16, "qemu-system-mips64el", 5},
		{"ppc64", "ppc64", "ppc64", "7", false, 64, "", 7},
		{"ppc64le", "ppc64le", "ppc64le", "7", false, 64, "qemu-system-ppc64", 7},
		{"riscv64", "riscv64", "riscv64", "7", false, 4, "qemu-system-riscv64", 26},
		{"s390x", "s390x", "s390x", "7", false, 4, "qemu-system-s390x", 8},
	} {
		goarm, ok := GOARM(test.name)
		if got := Name(test.name); got != test.is {
			t.Errorf("%s: got name %q, want %q", test.name, got, test.is)
		}
		if got := GOARCH(test.is); got != test.goarch || goarm != test.goarm || !ok {
			t.Errorf("%s: got GOARCH %s, GOARM %s, %v, want %s, %s", test.name, got, goarm, ok, test.goarch, test.goarm)
		}
		if Is32(test.name) != test.is32 || PageSize(test.name) != test.page<<10 {
			t.Errorf("%s: got 32 bits %v, pages of %d bytes, want %v, %d KiB", test.name, Is32(test.name), PageSize(test.name), test.is32, test.page)
		}
		if b, ok := BoardOf(test.name); b.Binary != test.qemu || ok != (test.qemu != "") || ok && b.MemoryMiB == 0 {
			t.Errorf("%s: got board %+v, %v, want %q", test.name, b, ok, test.qemu)
		}
		if got := slices.Contains(Boards(), test.goarch); got != (test.qemu != "") {
			t.Errorf("%s: among the boards is %v", test.name, got)
		}
		if got, ok := UBoot(test.name); got != test.uBoot || ok != (test.uBoot != 0) {
			t.Errorf("%s: got number %d of U-Boot, %v, want %d", test.name, got, ok, test.uBoot)
		}
		if Emulator(test.goarch) == "" {
			t.Errorf("%s: got no emulator", test.name)
		}
	}
	for _, name := range []string{"", "pdp11", "arm/v8", "arm64/v8", "amd64/v3", "x32", "ppc"} {
		if goarm, ok := GOARM(name); ok || Name(name) != name {
			t.Errorf("%q: got GOARM %s, name %q, want it unknown", name, goarm, Name(name))
		}
	}
}

func TestElsewhere(t *testing.T) {
	for other, want := range map[string]string{
		"x86_64": "amd64", "i686": "386", "aarch64": "arm64", "arm64/v8": "arm64", "armel": "arm/v5", "armv6l": "arm/v6",
		"armhf": "arm/v7", "mipsel": "mipsle", "mips64el": "mips64le", "ppc64el": "ppc64le", "loongarch64": "loong64",
		"amd64": "", "": "", "vax": "",
	} {
		if got := Elsewhere(other); got != want {
			t.Errorf("%q: got %q, want %q", other, got, want)
		}
	}
}
