// Package kmodtest makes kernel modules for tests: ELF files with the sections that modprobe
// and depmod read, and without code.
package kmodtest

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"strings"
)

// Module is a kernel module to be made.
type Module struct {
	Machine elf.Machine // x86-64 unless given
	Class   elf.Class   // 64 bits unless given
	Big     bool        // big-endian
	Info    []string    // key=value
	Exports []string
	Needs   []string // symbols of other modules
	NoCRC   bool     // built without CONFIG_MODVERSIONS
}

// Make returns the file of a module.
func Make(m Module) []byte {
	if m.Machine == 0 {
		m.Machine = elf.EM_X86_64
	}
	if m.Class == 0 {
		m.Class = elf.ELFCLASS64
	}
	f := file{order: binary.LittleEndian, class: m.Class, machine: m.Machine}
	if m.Big {
		f.order = binary.BigEndian
	}
	f.symbols(m)
	f.section(".modinfo", elf.SHT_PROGBITS, []byte(strings.Join(m.Info, "\x00")+"\x00"), 0)
	f.section("__ksymtab_strings", elf.SHT_PROGBITS, []byte(strings.Join(m.Exports, "\x00")+"\x00"), 0)
	return f.bytes()
}

type file struct {
	order   binary.ByteOrder
	class   elf.Class
	machine elf.Machine
	body    []byte // of the sections, behind the header
	headers []header
	names   []byte
}

type header struct {
	name, kind, offset, size, link uint32
}

func (f *file) wide() bool { return f.class == elf.ELFCLASS64 }

func (f *file) start() int {
	if f.wide() {
		return 64
	}
	return 52
}

func (f *file) section(name string, kind elf.SectionType, content []byte, link uint32) {
	if f.headers == nil {
		f.headers, f.names = []header{{}}, []byte{0}
	}
	f.headers = append(f.headers, header{uint32(len(f.names)), uint32(kind), uint32(f.start() + len(f.body)), uint32(len(content)), link})
	f.names = append(append(f.names, name...), 0)
	f.body = append(f.body, content...)
}

// symbols adds the table of symbols as the first section, and that of their names as the second.
func (f *file) symbols(m Module) {
	names := []byte{0}
	table := make([]byte, f.symbolSize())
	add := func(name string, section elf.SectionIndex) {
		table = f.symbol(table, uint32(len(names)), section)
		names = append(append(names, name...), 0)
	}
	for _, name := range m.Needs {
		add(name, elf.SHN_UNDEF)
	}
	for _, name := range m.Exports {
		if !m.NoCRC {
			add("__crc_"+name, elf.SHN_ABS)
		}
	}
	f.section(".symtab", elf.SHT_SYMTAB, table, 2)
	f.section(".strtab", elf.SHT_STRTAB, names, 0)
}

func (f *file) symbolSize() int {
	if f.wide() {
		return elf.Sym64Size
	}
	return elf.Sym32Size
}

func (f *file) symbol(table []byte, name uint32, section elf.SectionIndex) []byte {
	info := elf.ST_INFO(elf.STB_GLOBAL, elf.STT_NOTYPE)
	var s any = elf.Sym32{Name: name, Info: info, Shndx: uint16(section)}
	if f.wide() {
		s = elf.Sym64{Name: name, Info: info, Shndx: uint16(section)}
	}
	return f.append(table, s)
}

func (f *file) append(to []byte, value any) []byte {
	to, err := binary.Append(to, f.order, value)
	if err != nil {
		panic(err)
	}
	return to
}

func (f *file) bytes() []byte {
	f.section(".shstrtab", elf.SHT_STRTAB, nil, 0)
	last := &f.headers[len(f.headers)-1]
	last.size = uint32(len(f.names))
	f.body = append(f.body, f.names...)
	data := elf.ELFDATA2LSB
	if f.order == binary.ByteOrder(binary.BigEndian) {
		data = elf.ELFDATA2MSB
	}
	ident := [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(f.class), byte(data), byte(elf.EV_CURRENT)}
	n, at := uint16(len(f.headers)), f.start()+len(f.body)
	var out []byte
	if f.wide() {
		out = f.append(nil, elf.Header64{Ident: ident, Type: uint16(elf.ET_REL), Machine: uint16(f.machine), Version: 1,
			Shoff: uint64(at), Ehsize: 64, Shentsize: 64, Shnum: n, Shstrndx: n - 1})
	} else {
		out = f.append(nil, elf.Header32{Ident: ident, Type: uint16(elf.ET_REL), Machine: uint16(f.machine), Version: 1,
			Shoff: uint32(at), Ehsize: 52, Shentsize: 40, Shnum: n, Shstrndx: n - 1})
	}
	out = bytes.Join([][]byte{out, f.body}, nil)
	for _, h := range f.headers {
		var s any = elf.Section32{Name: h.name, Type: h.kind, Off: h.offset, Size: h.size, Link: h.link}
		if f.wide() {
			s = elf.Section64{Name: h.name, Type: h.kind, Off: uint64(h.offset), Size: uint64(h.size), Link: h.link}
		}
		out = f.append(out, s)
	}
	return out
}
