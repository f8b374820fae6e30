package qemu

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// checkKernel refuses a kernel that is visibly for another architecture: QEMU would
// start it all the same, and nothing would come of it.
func (m Machine) checkKernel() error {
	f, err := os.Open(m.Kernel)
	if err != nil {
		return err
	}
	defer f.Close()
	if arch := kernelArch(f); arch != "" && arch != goarch(m.Arch) {
		return fmt.Errorf("%s: is a kernel for %s, the machine is for %s", m.Kernel, arch, goarch(m.Arch))
	}
	return nil
}

// kernelArch returns the architecture that a kernel says it is for, "" if it does
// not say: a compressed Image, or no kernel at all.
func kernelArch(f io.ReaderAt) string {
	has := func(offset int64, magic string) bool {
		b := make([]byte, len(magic))
		_, err := f.ReadAt(b, offset)
		return err == nil && string(b) == magic
	}
	switch {
	case has(0, elf.ELFMAG):
		return elfArch(f)
	case has(0x202, "HdrS"): // Documentation/arch/x86/boot.rst
		const xloadflags, kernel64 = 0x236, 1
		flags := make([]byte, 1)
		if _, err := f.ReadAt(flags, xloadflags); err == nil && flags[0]&kernel64 != 0 {
			return "amd64"
		}
		return "386"
	case has(0x24, "\x18\x28\x6f\x01"): // arch/arm/boot/compressed/head.S
		return "arm"
	case has(0x38, "ARMd"): // Documentation/arch/arm64/booting.rst
		return "arm64"
	case has(0x38, "RSC\x05"): // Documentation/arch/riscv/boot-image-header.rst
		return "riscv64"
	case has(0x10008, "S390EP"): // arch/s390/boot/head.S
		return "s390x"
	}
	return ""
}

// elfArch reads e_machine, of what the boards of this package take as ELF.
func elfArch(f io.ReaderAt) string {
	head := make([]byte, 20)
	if _, err := f.ReadAt(head, 0); err != nil {
		return ""
	}
	var order binary.ByteOrder = binary.LittleEndian
	suffix := "le"
	if elf.Data(head[elf.EI_DATA]) == elf.ELFDATA2MSB {
		order, suffix = binary.BigEndian, ""
	}
	switch elf.Machine(order.Uint16(head[18:])) {
	case elf.EM_MIPS:
		if elf.Class(head[elf.EI_CLASS]) == elf.ELFCLASS64 {
			return "mips64" + suffix
		}
		return "mips" + suffix
	case elf.EM_PPC64:
		return "ppc64" + suffix
	}
	return ""
}
