package arch

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"slices"
	"testing"
)

// header is the beginning of an ELF program, padded as a file of some length has it.
func header(machine elf.Machine, class elf.Class, data elf.Data, flags uint32) []byte {
	ident := [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(class), byte(data), byte(elf.EV_CURRENT)}
	var order binary.ByteOrder = binary.LittleEndian
	if data == big {
		order = binary.BigEndian
	}
	var b bytes.Buffer
	if class == bits64 {
		binary.Write(&b, order, elf.Header64{Ident: ident, Type: uint16(elf.ET_DYN), Machine: uint16(machine), Flags: flags})
	} else {
		binary.Write(&b, order, elf.Header32{Ident: ident, Type: uint16(elf.ET_DYN), Machine: uint16(machine), Flags: flags})
	}
	return append(b.Bytes(), make([]byte, HeaderSize-b.Len())...)
}

func TestRuns(t *testing.T) {
	const o32, n32 = 0x1000, 0x20
	for _, c := range []struct {
		head []byte
		name string
		on   []string // that run it; others do not
	}{
		{header(elf.EM_386, bits32, little, 0), "386", []string{"386", "amd64"}},
		{header(elf.EM_486, bits32, little, 0), "386", []string{"386", "amd64"}},
		{header(elf.EM_X86_64, bits64, little, 0), "amd64", []string{"amd64"}},
		{header(elf.EM_X86_64, bits32, little, 0), "x32", []string{"amd64"}},
		{header(elf.EM_ARM, bits32, little, 0x5000400), "arm", []string{"arm/v5", "arm/v6", "arm/v7", "arm64"}},
		{header(elf.EM_ARM, bits32, big, 0), "armbe", nil},
		{header(elf.EM_AARCH64, bits64, little, 0), "arm64", []string{"arm64"}},
		{header(elf.EM_AARCH64, bits32, little, 0), "arm64 ilp32", nil},
		{header(elf.EM_LOONGARCH, bits64, little, 0), "loong64", []string{"loong64"}},
		{header(elf.EM_MIPS, bits32, big, o32), "mips", []string{"mips", "mips64"}},
		{header(elf.EM_MIPS, bits32, little, o32), "mipsle", []string{"mipsle", "mips64le"}},
		{header(elf.EM_MIPS, bits32, big, n32), "mips n32", []string{"mips64"}},
		{header(elf.EM_MIPS, bits32, little, n32), "mipsle n32", []string{"mips64le"}},
		{header(elf.EM_MIPS, bits64, big, n32), "mips64", []string{"mips64"}},
		{header(elf.EM_MIPS, bits64, little, 0), "mips64le", []string{"mips64le"}},
		{header(elf.EM_PPC, bits32, big, 0), "ppc", []string{"ppc64"}},
		{header(elf.EM_PPC, bits32, little, 0), "ppcle", []string{"ppc64le"}},
		{header(elf.EM_PPC64, bits64, big, 1), "ppc64", []string{"ppc64"}},
		{header(elf.EM_PPC64, bits64, little, 2), "ppc64le", []string{"ppc64le"}},
		{header(elf.EM_RISCV, bits64, little, 0), "riscv64", []string{"riscv64"}},
		{header(elf.EM_RISCV, bits32, little, 0), "riscv32", nil},
		{header(elf.EM_S390, bits64, big, 0), "s390x", []string{"s390x"}},
		{header(elf.EM_S390, bits32, big, 0), "s390", []string{"s390x"}},
		{header(elf.EM_SPARCV9, bits64, big, 0), "SPARCV9", nil},
		{header(elf.EM_BPF, bits64, little, 0), "BPF", nil},
		{header(0xfedc, bits64, little, 0), "ELF machine 65244", nil},
	} {
		h, ok := Parse(c.head)
		if !ok || h.Type != elf.ET_DYN || h.String() != c.name {
			t.Errorf("%s: got %v of type %v, %v", c.name, h, h.Type, ok)
		}
		for _, arch := range Names() {
			own := c.name == arch || c.name == "arm" && arch[:3] == "arm" && arch != "arm64"
			if got, want := h.Runs(arch), slices.Contains(c.on, arch); got != want {
				t.Errorf("%s runs %s: got %v, want %v", arch, c.name, got, want)
			}
			if got := h.Loads(arch); got != own {
				t.Errorf("%s loads modules for %s: got %v, want %v", arch, c.name, got, own)
			}
			if own && h.Arch() != c.name || !h.Runs("no such") {
				t.Errorf("%s: got architecture %q", c.name, h.Arch())
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	whole := header(elf.EM_ARM, bits32, little, 0)
	with := func(at int, b byte) []byte {
		head := bytes.Clone(whole)
		head[at] = b
		return head
	}
	for _, head := range [][]byte{
		nil, whole[:19], []byte("#!/bin/sh\necho of every machine\n"),
		with(1, 'e'), with(elf.EI_CLASS, 0), with(elf.EI_CLASS, 3), with(elf.EI_DATA, 0), with(elf.EI_DATA, 3),
	} {
		if h, ok := Parse(head); ok {
			t.Errorf("%q: got %v, want no ELF file", head, h)
		}
	}
	if h, ok := Parse(whole[:20]); !ok || h.Arch() != "arm" {
		t.Errorf("20 bytes: got %v, %v", h, ok)
	}
}
