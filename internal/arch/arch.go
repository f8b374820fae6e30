// Package arch has one row for each architecture: its names, how Go compiles for it, which ELF
// files its kernels run, its pages, and the QEMU machine that emulates it. Further rows are
// for foreign architectures with programs that these kernels also run.
package arch

import (
	"debug/elf"
	"runtime"
	"slices"
	"strings"
)

// kind is the identity of a machine in an ELF header.
type kind struct {
	machine elf.Machine
	class   elf.Class
	data    elf.Data
	n32     bool // EF_MIPS_ABI2: only a 64-bit kernel runs it, though its class is 32 bits
}

// row is an architecture.
type row struct {
	name string
	kind
	also []string // architectures whose programs its kernel commonly runs, too

	// Of what Go compiles for.
	goarch   bool      // name is the GOARCH
	others   []string  // names that uname, Debian, GCC and OCI have for it
	variants []variant // a manifest names one of them, as in "arm/v7"; the last is the default
	page     int64     // usual size of a page, in KiB; 0 is 4
	early    early     // what its kernels take from the start of an initramfs
	board    *Board    // nil if QEMU has none that Debian's kernels know
	emulator string    // program of qemu-user

	uBoot uint8 // IH_ARCH number; 0 if U-Boot has none
}

// early is what a kernel takes from the start of an initramfs before it unpacks anything.
type early struct{ microcode, acpi bool }

// variant is a version of an instruction set.
type variant struct {
	goarm  string
	others []string
}

const (
	bits32, bits64 = elf.ELFCLASS32, elf.ELFCLASS64
	little, big    = elf.ELFDATA2LSB, elf.ELFDATA2MSB
)

// rows is in the order of [Names]. A manifest can name the rows with goarch; the others only tell
// what a program is for. Kinds follow elf_check_arch and compat_elf_check_arch
// of the kernel's ports. riscv64 lacks riscv32: a kernel from 5.19 on could run it, but
// hardly any processor can. Distributions take pages of 64 KiB for ppc64le, and some for
// arm64, where they have become rare. U-Boot refuses a uImage with another number than its
// own (IH_ARCH_DEFAULT; arm64 takes that of arm, too). On MIPS and PowerPC that is the same for
// 32 and 64 bits.
var rows = []row{
	{
		name: "386", goarch: true, kind: kind{elf.EM_386, bits32, little, false},
		others: []string{"x86", "i386", "i486", "i586", "i686"}, board: &pc32, emulator: "qemu-i386", early: early{true, true}, uBoot: 3,
	},
	{
		name: "amd64", goarch: true, kind: kind{elf.EM_X86_64, bits64, little, false}, also: []string{"386", "x32"},
		others: []string{"x86_64", "x86-64", "x64"}, board: &pc64, emulator: "qemu-x86_64", early: early{true, true}, uBoot: 24,
	},
	{
		name: "arm", goarch: true, kind: kind{elf.EM_ARM, bits32, little, false},
		variants: []variant{{"5", []string{"armel", "armv5"}}, {"6", []string{"armv6", "armv6l"}}, {"7", []string{"armhf", "armv7", "armv7l"}}},
		board:    &virt32, emulator: "qemu-arm", uBoot: 2,
	},
	{
		name: "arm64", goarch: true, kind: kind{elf.EM_AARCH64, bits64, little, false}, also: []string{"arm"},
		others: []string{"aarch64", "arm64/v8"}, board: &virt64, emulator: "qemu-aarch64", early: early{acpi: true}, uBoot: 22,
	},
	{
		name: "loong64", goarch: true, kind: kind{elf.EM_LOONGARCH, bits64, little, false}, page: 16,
		others: []string{"loongarch64"}, emulator: "qemu-loongarch64", early: early{acpi: true},
	},
	{
		name: "mips", goarch: true, kind: kind{elf.EM_MIPS, bits32, big, false},
		board: &malta32, emulator: "qemu-mips", uBoot: 5,
	},
	{
		name: "mipsle", goarch: true, kind: kind{elf.EM_MIPS, bits32, little, false},
		others: []string{"mipsel"}, board: &malta32le, emulator: "qemu-mipsel", uBoot: 5,
	},
	{
		name: "mips64", goarch: true, kind: kind{elf.EM_MIPS, bits64, big, false}, also: []string{"mips", "mips n32"}, page: 16,
		emulator: "qemu-mips64", uBoot: 5,
	},
	{
		name: "mips64le", goarch: true, kind: kind{elf.EM_MIPS, bits64, little, false}, also: []string{"mipsle", "mipsle n32"}, page: 16,
		others: []string{"mips64el"}, board: &malta64le, emulator: "qemu-mips64el", uBoot: 5,
	},
	{
		name: "ppc64", goarch: true, kind: kind{elf.EM_PPC64, bits64, big, false}, also: []string{"ppc"}, page: 64,
		emulator: "qemu-ppc64", uBoot: 7,
	},
	{
		name: "ppc64le", goarch: true, kind: kind{elf.EM_PPC64, bits64, little, false}, also: []string{"ppcle"}, page: 64,
		others: []string{"ppc64el"}, board: &pseries, emulator: "qemu-ppc64le", uBoot: 7,
	},
	{
		name: "riscv64", goarch: true, kind: kind{elf.EM_RISCV, bits64, little, false},
		others: []string{"riscv"}, board: &virtRISCV, emulator: "qemu-riscv64", early: early{acpi: true}, uBoot: 26,
	},
	{
		name: "s390x", goarch: true, kind: kind{elf.EM_S390, bits64, big, false}, also: []string{"s390"},
		board: &ccw, emulator: "qemu-s390x", uBoot: 8,
	},

	{name: "x32", kind: kind{elf.EM_X86_64, bits32, little, false}},
	{name: "armbe", kind: kind{elf.EM_ARM, bits32, big, false}},
	{name: "arm64be", kind: kind{elf.EM_AARCH64, bits64, big, false}},
	{name: "arm64 ilp32", kind: kind{elf.EM_AARCH64, bits32, little, false}},
	{name: "loong32", kind: kind{elf.EM_LOONGARCH, bits32, little, false}},
	{name: "mips n32", kind: kind{elf.EM_MIPS, bits32, big, true}},
	{name: "mipsle n32", kind: kind{elf.EM_MIPS, bits32, little, true}},
	{name: "ppc", kind: kind{elf.EM_PPC, bits32, big, false}, uBoot: 7},
	{name: "ppcle", kind: kind{elf.EM_PPC, bits32, little, false}},
	{name: "riscv32", kind: kind{elf.EM_RISCV, bits32, little, false}, uBoot: 26},
	{name: "s390", kind: kind{elf.EM_S390, bits32, big, false}},
}

// Names lists the architectures that a manifest may name: Go's names for Linux, with
// the version of the instruction set for 32-bit ARM.
func Names() []string {
	var names []string
	for i := range rows {
		names = append(names, rows[i].names()...)
	}
	return names
}

// names are those of a manifest.
func (r *row) names() []string {
	switch {
	case !r.goarch:
		return nil
	case r.variants == nil:
		return []string{r.name}
	}
	var names []string
	for _, v := range r.variants {
		names = append(names, r.name+"/v"+v.goarm)
	}
	return names
}

// Name returns the name in [Names] of a GOARCH, "arm/v7" for "arm". Any other text is
// returned as it is.
func Name(goarch string) string {
	if r := find(goarch); r != nil && r.name == goarch && r.goarch {
		names := r.names()
		return names[len(names)-1]
	}
	return goarch
}

// Host returns the name in [Names] of the machine that this program was built for.
func Host() string { return Name(runtime.GOARCH) }

// GOARCH returns the GOARCH of a name in [Names]: all before the variant, if it has one.
func GOARCH(name string) string {
	goarch, _, _ := strings.Cut(name, "/")
	return goarch
}

// GOARM returns the GOARM of a name in [Names] or of a GOARCH. It is the last variant, 7,
// if the name has none; it does no harm to what is not 32-bit ARM. It returns false for
// an unknown name.
func GOARM(name string) (string, bool) {
	goarm := "7"
	if name = Name(name); !slices.Contains(Names(), name) {
		return "", false
	}
	if _, variant, found := strings.Cut(name, "/v"); found {
		goarm = variant
	}
	return goarm, true
}

// Is32 reports whether the machines of a name in [Names] have words of 32 bits.
func Is32(name string) bool {
	r := find(name)
	return r != nil && r.class == bits32
}

// PageSize returns the usual size of a page on the machines of a name in [Names], in
// bytes.
func PageSize(name string) int64 {
	if r := find(name); r != nil && r.page > 0 {
		return r.page << 10
	}
	return 4 << 10
}

// TakesMicrocode reports whether kernels for a name in [Names] look for microcode at the start of
// an initramfs.
func TakesMicrocode(name string) bool {
	r := find(name)
	return r != nil && r.early.microcode
}

// TakesACPI reports whether kernels for a name in [Names] look for ACPI tables at the start of an
// initramfs.
func TakesACPI(name string) bool {
	r := find(name)
	return r != nil && r.early.acpi
}

// Elsewhere returns the name in [Names] of an architecture that uname, Debian, GCC or OCI
// calls otherwise, "" for any other text.
func Elsewhere(other string) string {
	for i := range rows {
		r := &rows[i]
		if slices.Contains(r.others, other) {
			return r.name
		}
		for j, name := range r.names() {
			if r.variants != nil && slices.Contains(r.variants[j].others, other) {
				return name
			}
		}
	}
	return ""
}

// Emulator returns the program of qemu-user that runs programs for a GOARCH, or "".
func Emulator(goarch string) string {
	if r := find(goarch); r != nil {
		return r.emulator
	}
	return ""
}

// UBoot returns the number that U-Boot has for the machines of a name, in [Names] or that of
// a foreign architecture, and false if it has none.
func UBoot(name string) (uint8, bool) {
	r := find(name)
	if r == nil || r.uBoot == 0 {
		return 0, false
	}
	return r.uBoot, true
}

// find returns the row with a name, nil if there is none. The variant of "arm/v7" is
// ignored: it shows in no header.
func find(name string) *row {
	name = GOARCH(name)
	for i := range rows {
		if rows[i].name == name {
			return &rows[i]
		}
	}
	return nil
}

func (k kind) row() *row {
	for i := range rows {
		if rows[i].kind == k {
			return &rows[i]
		}
	}
	return nil
}
