package arch

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// HeaderSize is the length of the longest ELF header. Parse needs that many bytes of a file.
const HeaderSize = 64

// Header identifies the machine of an ELF file.
type Header struct {
	Type elf.Type
	kind kind
}

// Parse reads the header of an ELF file from its first bytes. It returns false for
// anything else, and for a head that ends before the machine.
func Parse(head []byte) (Header, bool) {
	const machine, machineEnd, flags, flagsEnd = 18, 20, 36, 40 // of Elf32_Ehdr; e_machine is there in both
	if len(head) < machineEnd || string(head[:len(elf.ELFMAG)]) != elf.ELFMAG {
		return Header{}, false
	}
	k := kind{class: elf.Class(head[elf.EI_CLASS]), data: elf.Data(head[elf.EI_DATA])}
	var order binary.ByteOrder
	switch {
	case k.class != bits32 && k.class != bits64:
		return Header{}, false
	case k.data == little:
		order = binary.LittleEndian
	case k.data == big:
		order = binary.BigEndian
	default:
		return Header{}, false
	}
	k.machine = elf.Machine(order.Uint16(head[machine:]))
	if k.machine == elf.EM_486 { // the kernel takes it for the same
		k.machine = elf.EM_386
	}
	const abi2 = 0x20 // EF_MIPS_ABI2
	if k.machine == elf.EM_MIPS && k.class == bits32 && len(head) >= flagsEnd {
		k.n32 = order.Uint32(head[flags:])&abi2 != 0
	}
	return Header{Type: elf.Type(order.Uint16(head[16:])), kind: k}, true
}

// ParseFile is Parse for a whole file, with an error for one whose tables cannot be read.
func ParseFile(data []byte) (Header, error) {
	if _, err := elf.NewFile(bytes.NewReader(data)); err != nil {
		return Header{}, err
	}
	h, _ := Parse(data)
	return h, nil
}

// Machine returns the machine's number in ELF.
func (h Header) Machine() elf.Machine { return h.kind.machine }

// SameMachine reports whether two files are for one machine, so that a program can load the
// other file as a library.
func (h Header) SameMachine(other Header) bool { return h.kind == other.kind }

// Arch returns the GOARCH that the file is for, "" if Go compiles nothing for it.
func (h Header) Arch() string {
	if r := h.kind.row(); r != nil && r.goarch {
		return r.name
	}
	return ""
}

// String returns the name of the file's machine: its GOARCH, if it has one.
func (h Header) String() string {
	if r := h.kind.row(); r != nil {
		return r.name
	}
	name := strings.TrimPrefix(h.kind.machine.String(), "EM_")
	if strings.Contains(name, "+") { // package elf does not know it
		return fmt.Sprintf("ELF machine %d", h.kind.machine)
	}
	return name
}

// Runs reports whether kernels for arch, a GOARCH or a manifest's "arm/v7", commonly
// run a program for the file's machine. It does so for an arch that is unknown.
func (h Header) Runs(arch string) bool {
	r := find(arch)
	return r == nil || r.kind == h.kind || slices.ContainsFunc(r.also, func(name string) bool { return find(name).kind == h.kind })
}

// Loads reports whether a kernel for arch takes a module for the file's machine: none
// but its own.
func (h Header) Loads(arch string) bool {
	r := find(arch)
	return r == nil || r.kind == h.kind
}
