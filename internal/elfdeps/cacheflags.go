package elfdeps

import "debug/elf"

// cacheFlags returns the flags of a library in the cache of glibc (sysdeps/generic/ldconfig.h and
// process_elf_file of the ports). The loader takes an entry only if they are its own.
func cacheFlags(machine elf.Machine, class elf.Class, flags uint32) uint32 {
	const libc6 = 3
	is64 := class == elf.ELFCLASS64
	abi := uint32(0)
	switch machine {
	case elf.EM_SPARCV9:
		abi = 0x100
	case elf.EM_X86_64:
		if abi = 0x800; is64 {
			abi = 0x300
		}
	case elf.EM_S390:
		if is64 {
			abi = 0x400
		}
	case elf.EM_PPC64:
		abi = 0x500
	case elf.EM_MIPS:
		const abi2, nan2008 = 0x20, 0x400
		legacy, newer := uint32(0), uint32(0xc00)
		switch {
		case is64:
			legacy, newer = 0x700, 0xe00
		case flags&abi2 != 0:
			legacy, newer = 0x600, 0xd00
		}
		if abi = legacy; flags&nan2008 != 0 {
			abi = newer
		}
	case elf.EM_ARM:
		const soft, hard = 0x200, 0x400
		switch {
		case flags&hard != 0:
			abi = 0x900
		case flags&soft != 0:
			abi = 0xb00
		}
	case elf.EM_AARCH64:
		if is64 {
			abi = 0xa00
		}
	case elf.EM_RISCV:
		const floatABI, double = 0x6, 0x4
		if abi = 0xf00; flags&floatABI == double {
			abi = 0x1000
		}
	case elf.EM_LOONGARCH:
		const floatABI, double = 0x7, 0x3
		if abi = 0x1100; flags&floatABI == double {
			abi = 0x1200
		}
	}
	return libc6 | abi
}
