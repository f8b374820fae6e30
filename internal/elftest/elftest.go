// Package elftest makes ELF programs and libraries for tests. They hold what a dynamic loader
// reads before it maps a file, and no section headers.
package elftest

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// File is a program or a library. The zero value is a static program for amd64.
type File struct {
	Machine     elf.Machine // EM_NONE is amd64
	Class       elf.Class   // 0 is 64 bits
	Data        elf.Data    // 0 is little-endian
	Flags       uint32
	Interpreter string
	Soname      string
	Needed      []string
	RPath       string
	RunPath     string
	Flags1      uint64 // DT_FLAGS_1
}

// Bytes returns the file.
func (f File) Bytes() []byte {
	w := writer{order: binary.LittleEndian, is64: f.Class != elf.ELFCLASS32}
	if f.Data == elf.ELFDATA2MSB {
		w.order = binary.BigEndian
	}
	const address = 0x400000
	names, dynamic := f.tables()
	header, program, word := 64, 56, 8
	if !w.is64 {
		header, program, word = 52, 32, 4
	}
	start := header + 3*program // of the strings
	table := start + len(names)
	dynamic = append(dynamic, [2]uint64{uint64(elf.DT_STRTAB), uint64(address + start)}, [2]uint64{})
	size := 2 * word * len(dynamic)

	w.header(f, header, program)
	interp := elf.PT_INTERP
	if f.Interpreter == "" {
		interp = elf.PT_NULL
	}
	w.program(interp, start+1, 0, len(f.Interpreter)+1)
	w.program(elf.PT_LOAD, 0, address, table+size)
	w.program(elf.PT_DYNAMIC, table, 0, size)
	w.WriteString(names)
	for _, d := range dynamic {
		if w.is64 {
			w.put(d)
		} else {
			w.put([2]uint32{uint32(d[0]), uint32(d[1])})
		}
	}
	return w.Bytes()
}

// tables returns the strings and the dynamic section without the address of the strings.
func (f File) tables() (names string, dynamic [][2]uint64) {
	names = "\x00" + f.Interpreter + "\x00"
	add := func(tag elf.DynTag, name string) {
		if name != "" {
			dynamic = append(dynamic, [2]uint64{uint64(tag), uint64(len(names))})
			names += name + "\x00"
		}
	}
	add(elf.DT_SONAME, f.Soname)
	for _, name := range f.Needed {
		add(elf.DT_NEEDED, name)
	}
	add(elf.DT_RPATH, f.RPath)
	add(elf.DT_RUNPATH, f.RunPath)
	if f.Flags1 != 0 {
		dynamic = append(dynamic, [2]uint64{uint64(elf.DT_FLAGS_1), f.Flags1})
	}
	return names, dynamic
}

// writer writes ELF structures.
type writer struct {
	bytes.Buffer
	order binary.ByteOrder
	is64  bool
}

func (w *writer) put(v any) { binary.Write(&w.Buffer, w.order, v) }

func (w *writer) header(f File, header, program int) {
	machine, class, data := f.Machine, elf.ELFCLASS64, elf.ELFDATA2LSB
	if machine == elf.EM_NONE {
		machine = elf.EM_X86_64
	}
	if !w.is64 {
		class = elf.ELFCLASS32
	}
	if f.Data != elf.ELFDATANONE {
		data = f.Data
	}
	ident := [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(class), byte(data), byte(elf.EV_CURRENT)}
	if w.is64 {
		w.put(elf.Header64{Ident: ident, Type: uint16(elf.ET_DYN), Machine: uint16(machine), Version: 1, Flags: f.Flags,
			Phoff: uint64(header), Ehsize: uint16(header), Phentsize: uint16(program), Phnum: 3})
		return
	}
	w.put(elf.Header32{Ident: ident, Type: uint16(elf.ET_DYN), Machine: uint16(machine), Version: 1, Flags: f.Flags,
		Phoff: uint32(header), Ehsize: uint16(header), Phentsize: uint16(program), Phnum: 3})
}

func (w *writer) program(kind elf.ProgType, offset, address, size int) {
	if w.is64 {
		w.put(elf.Prog64{Type: uint32(kind), Off: uint64(offset), Vaddr: uint64(address), Filesz: uint64(size)})
		return
	}
	w.put(elf.Prog32{Type: uint32(kind), Off: uint32(offset), Vaddr: uint32(address), Filesz: uint32(size)})
}
