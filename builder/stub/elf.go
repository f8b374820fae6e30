package stub

import (
	"debug/elf"
	"encoding/binary"
	"maps"
	"slices"
	"strings"
)

// elfKind is how an architecture shows in an ELF header.
type elfKind struct {
	machine elf.Machine
	class   elf.Class
	data    elf.Data
}

const (
	bits32, bits64 = elf.ELFCLASS32, elf.ELFCLASS64
	little, big    = elf.ELFDATA2LSB, elf.ELFDATA2MSB
)

var elfKinds = map[string]elfKind{
	"386": {elf.EM_386, bits32, little}, "amd64": {elf.EM_X86_64, bits64, little},
	"arm": {elf.EM_ARM, bits32, little}, "arm64": {elf.EM_AARCH64, bits64, little},
	"loong64": {elf.EM_LOONGARCH, bits64, little},
	"mips":    {elf.EM_MIPS, bits32, big}, "mipsle": {elf.EM_MIPS, bits32, little},
	"mips64": {elf.EM_MIPS, bits64, big}, "mips64le": {elf.EM_MIPS, bits64, little},
	"ppc64": {elf.EM_PPC64, bits64, big}, "ppc64le": {elf.EM_PPC64, bits64, little},
	"riscv64": {elf.EM_RISCV, bits64, little}, "s390x": {elf.EM_S390, bits64, big},
}

// also are the 32-bit machines whose programs run on 64-bit ones as well.
var also = map[string]elf.Machine{
	"amd64": elf.EM_386, "arm64": elf.EM_ARM, "ppc64": elf.EM_PPC, "ppc64le": elf.EM_PPC,
}

const headSize = 20 // as far as the machine

// Foreign names the architecture of the ELF program that begins with head, if it is
// one that a machine for arch does not run. Anything else is "".
func Foreign(arch string, head []byte) string {
	if len(head) < headSize || string(head[:len(elf.ELFMAG)]) != elf.ELFMAG {
		return ""
	}
	got := elfKind{class: elf.Class(head[elf.EI_CLASS]), data: elf.Data(head[elf.EI_DATA])}
	var order binary.ByteOrder = binary.LittleEndian
	if got.data == big {
		order = binary.BigEndian
	}
	got.machine = elf.Machine(order.Uint16(head[18:]))
	goarch, _, _ := strings.Cut(arch, "/")
	want, known := elfKinds[goarch]
	if !known || got.data == want.data && got.class <= want.class && (got.machine == want.machine || got.machine == also[goarch]) {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(elfKinds)) {
		if elfKinds[name] == got {
			return name
		}
	}
	return strings.TrimPrefix(got.machine.String(), "EM_")
}
