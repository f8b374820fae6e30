package image

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/stub/bootplan"
)

// Arch returns the architecture of the image r, as a manifest names it: what its
// boot plan says, or, if it has none, what its first program is made for.
func Arch(r io.Reader) (string, error) {
	arch := ""
	found := errors.New("found")
	_, err := Walk(r, func(e *Entry, body io.Reader) error {
		switch {
		case e.Path() == "/"+bootplan.Path:
			text, err := io.ReadAll(body)
			if err != nil {
				return err
			}
			p, err := bootplan.Parse(text)
			if err != nil {
				return fmt.Errorf("%s: %w", bootplan.Path, err)
			}
			arch = p.Arch
		case e.Mode&cpio.TypeMask == cpio.TypeFile && e.Mode&0o111 != 0:
			head := make([]byte, 20)
			if _, err := io.ReadFull(body, head); err == nil {
				arch = elfArch(head)
			}
		}
		if arch != "" {
			return found
		}
		return nil
	})
	switch {
	case err == found:
		return arch, nil
	case err != nil:
		return "", err
	}
	return "", errors.New("no program in it tells its architecture")
}

// elfArch returns the architecture in the first bytes of an ELF program, "" if
// they are something else.
func elfArch(head []byte) string {
	if string(head[:4]) != elf.ELFMAG {
		return ""
	}
	big := elf.Data(head[elf.EI_DATA]) == elf.ELFDATA2MSB
	machine := elf.Machine(head[18]) | elf.Machine(head[19])<<8
	if big {
		machine = elf.Machine(head[19]) | elf.Machine(head[18])<<8
	}
	arch := map[elf.Machine]string{
		elf.EM_386: "386", elf.EM_X86_64: "amd64", elf.EM_ARM: "arm/v7", elf.EM_AARCH64: "arm64",
		elf.EM_LOONGARCH: "loong64", elf.EM_MIPS: "mips", elf.EM_PPC64: "ppc64", elf.EM_RISCV: "riscv64", elf.EM_S390: "s390x",
	}[machine]
	if machine == elf.EM_MIPS && elf.Class(head[elf.EI_CLASS]) == elf.ELFCLASS64 {
		arch = "mips64"
	}
	if !big && (machine == elf.EM_MIPS || machine == elf.EM_PPC64) {
		arch += "le"
	}
	return arch
}
