// Package arch knows which ELF files a kernel for an architecture takes. It has a row
// for each machine that Go compiles for, and for those whose programs its kernels run
// beside their own.
package arch

import (
	"debug/elf"
	"strings"
)

// kind is how a machine shows in an ELF header.
type kind struct {
	machine elf.Machine
	class   elf.Class
	data    elf.Data
	n32     bool // EF_MIPS_ABI2: only a 64-bit kernel runs it, though its class is 32 bits
}

// row is a machine.
type row struct {
	name string
	kind
	goarch bool     // name is Go's, and a manifest's but for the variant of arm
	also   []string // machines whose programs its kernel commonly runs, too
}

const (
	bits32, bits64 = elf.ELFCLASS32, elf.ELFCLASS64
	little, big    = elf.ELFDATA2LSB, elf.ELFDATA2MSB
)

// rows follow elf_check_arch and compat_elf_check_arch of the kernel's ports. riscv64
// lacks riscv32: a kernel from 5.19 on could run it, but hardly any processor can.
var rows = []row{
	{name: "386", kind: kind{elf.EM_386, bits32, little, false}, goarch: true},
	{name: "amd64", kind: kind{elf.EM_X86_64, bits64, little, false}, goarch: true, also: []string{"386", "x32"}},
	{name: "arm", kind: kind{elf.EM_ARM, bits32, little, false}, goarch: true},
	{name: "arm64", kind: kind{elf.EM_AARCH64, bits64, little, false}, goarch: true, also: []string{"arm"}},
	{name: "loong64", kind: kind{elf.EM_LOONGARCH, bits64, little, false}, goarch: true},
	{name: "mips", kind: kind{elf.EM_MIPS, bits32, big, false}, goarch: true},
	{name: "mipsle", kind: kind{elf.EM_MIPS, bits32, little, false}, goarch: true},
	{name: "mips64", kind: kind{elf.EM_MIPS, bits64, big, false}, goarch: true, also: []string{"mips", "mips n32"}},
	{name: "mips64le", kind: kind{elf.EM_MIPS, bits64, little, false}, goarch: true, also: []string{"mipsle", "mipsle n32"}},
	{name: "ppc64", kind: kind{elf.EM_PPC64, bits64, big, false}, goarch: true, also: []string{"ppc"}},
	{name: "ppc64le", kind: kind{elf.EM_PPC64, bits64, little, false}, goarch: true, also: []string{"ppcle"}},
	{name: "riscv64", kind: kind{elf.EM_RISCV, bits64, little, false}, goarch: true},
	{name: "s390x", kind: kind{elf.EM_S390, bits64, big, false}, goarch: true, also: []string{"s390"}},

	{name: "x32", kind: kind{elf.EM_X86_64, bits32, little, false}},
	{name: "armbe", kind: kind{elf.EM_ARM, bits32, big, false}},
	{name: "arm64be", kind: kind{elf.EM_AARCH64, bits64, big, false}},
	{name: "arm64 ilp32", kind: kind{elf.EM_AARCH64, bits32, little, false}},
	{name: "loong32", kind: kind{elf.EM_LOONGARCH, bits32, little, false}},
	{name: "mips n32", kind: kind{elf.EM_MIPS, bits32, big, true}},
	{name: "mipsle n32", kind: kind{elf.EM_MIPS, bits32, little, true}},
	{name: "ppc", kind: kind{elf.EM_PPC, bits32, big, false}},
	{name: "ppcle", kind: kind{elf.EM_PPC, bits32, little, false}},
	{name: "riscv32", kind: kind{elf.EM_RISCV, bits32, little, false}},
	{name: "s390", kind: kind{elf.EM_S390, bits32, big, false}},
}

// find returns the row with a name, nil if there is none. The variant of "arm/v7" is
// ignored: it shows in no header.
func find(name string) *row {
	name, _, _ = strings.Cut(name, "/")
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
