//go:build linux

package main

import (
	"debug/elf"
	"encoding/binary"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/arch"
)

// TestRunsAsTheHostSays holds the stub's table of machines and that of internal/arch
// together: for every architecture, what is an ELF program of some kind for one is one for
// the other.
func TestRunsAsTheHostSays(t *testing.T) {
	const abi2 = 0x20 // EF_MIPS_ABI2
	taken := 0
	for _, name := range arch.Names() {
		goarch := arch.GOARCH(name)
		for _, class := range []elf.Class{elf.ELFCLASS32, elf.ELFCLASS64} {
			for _, data := range []elf.Data{elf.ELFDATA2LSB, elf.ELFDATA2MSB} {
				for machine := range elf.Machine(300) {
					for _, bits := range []uint32{0, abi2} {
						head := elfHeader(class, data, machine, bits)
						h, ok := arch.Parse(head)
						if !ok {
							t.Fatalf("%x: internal/arch takes it for no ELF file", head)
						}
						want := h.Runs(name)
						if goarch == "riscv64" && h.String() == "riscv32" {
							want = true // which only a try can tell: the stub lets it pass
						}
						if got := runs(headers(goarch), flags(goarch), head); got != want {
							t.Errorf("%s, %v %v %v, flags %#x: got %v from the stub, the host says %v", name, class, data, machine, bits, got, want)
						}
						if want {
							taken++
						}
					}
				}
			}
		}
	}
	if taken < len(arch.Names()) {
		t.Errorf("got %d programs that run, want one of each architecture at least", taken)
	}
	if got, want := bool(native()), binary.NativeEndian.Uint16([]byte{0, 1}) == 1; got != want {
		t.Errorf("got big endian %v, want %v", got, want)
	}
}

// elfHeader returns the header of a program.
func elfHeader(class elf.Class, data elf.Data, machine elf.Machine, flags uint32) []byte {
	head := make([]byte, arch.HeaderSize)
	copy(head, elf.ELFMAG)
	head[elf.EI_CLASS], head[elf.EI_DATA] = byte(class), byte(data)
	var order binary.ByteOrder = binary.LittleEndian
	if data == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	order.PutUint16(head[16:], uint16(elf.ET_EXEC))
	order.PutUint16(head[18:], uint16(machine))
	at := 36 // e_flags
	if class == elf.ELFCLASS64 {
		at = 48
	}
	order.PutUint32(head[at:], flags)
	return head
}
