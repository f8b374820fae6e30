package elfdeps

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"

	"github.com/mkinitfs/mkinitfs/internal/arch"
)

// ErrNotELF means that a file is neither a program nor a library.
var ErrNotELF = errors.New("not an ELF program or library")

// Object is an ELF program or library.
type Object struct {
	arch.Header
	Interpreter string   // the dynamic loader of a program, or ""
	Needed      []string // names of libraries (DT_NEEDED)
	Soname      string   // its own name as a library (DT_SONAME), or ""
	RPath       string   // directories, with colons between them (DT_RPATH)
	RunPath     string   // the same, newer (DT_RUNPATH)
	NoDefault   bool     // default directories are not searched for what it needs (DF_1_NODEFLIB)
	flags       uint32   // e_flags
	cacheFlags  uint32
	order       binary.ByteOrder
}

const (
	maxDynamic = 1 << 20 // bytes; a larger table is not read
	maxString  = 16 << 10
)

// Read reads a program or a library. It reads program headers only, as loaders do: OpenWrt's
// sstrip removes the section headers. The error is [ErrNotELF] or an error of r.
func Read(r io.ReaderAt) (*Object, error) {
	head := make([]byte, arch.HeaderSize)
	n, err := r.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	h, ok := arch.Parse(head[:n])
	if !ok || n < len(head) || h.Type != elf.ET_EXEC && h.Type != elf.ET_DYN {
		return nil, ErrNotELF
	}
	f, err := elf.NewFile(withoutSections(r, head))
	if err != nil {
		return nil, ErrNotELF
	}
	o := &Object{Header: h, flags: flagsOf(f, head), order: f.ByteOrder}
	o.Interpreter = cString(segment(f, elf.PT_INTERP, maxString))
	o.readDynamic(f)
	o.cacheFlags = cacheFlags(f.Machine, f.Class, o.flags)
	return o, nil
}

// readDynamic reads the dynamic section.
func (o *Object) readDynamic(f *elf.File) {
	names, needs := uint64(0), []uint64(nil)
	at := map[elf.DynTag]uint64{} // offsets of strings
	word := 4
	if f.Class == elf.ELFCLASS64 {
		word = 8
	}
	number := func(b []byte) uint64 {
		if word == 8 {
			return f.ByteOrder.Uint64(b)
		}
		return uint64(f.ByteOrder.Uint32(b))
	}
	for table := segment(f, elf.PT_DYNAMIC, maxDynamic); len(table) >= 2*word; table = table[2*word:] {
		value := number(table[word:])
		switch tag := elf.DynTag(number(table)); tag {
		case elf.DT_NULL:
			table = nil
		case elf.DT_STRTAB:
			names = value
		case elf.DT_NEEDED:
			needs = append(needs, value)
		case elf.DT_SONAME, elf.DT_RPATH, elf.DT_RUNPATH:
			at[tag] = value
		case elf.DT_FLAGS_1:
			o.NoDefault = elf.DynFlag1(value)&elf.DF_1_NODEFLIB != 0
		}
		if table == nil {
			break
		}
	}
	text := func(tag elf.DynTag) string {
		offset, ok := at[tag]
		if !ok {
			return ""
		}
		return stringAt(f, names+offset)
	}
	for _, offset := range needs {
		if name := stringAt(f, names+offset); name != "" {
			o.Needed = append(o.Needed, name)
		}
	}
	o.Soname, o.RPath, o.RunPath = text(elf.DT_SONAME), text(elf.DT_RPATH), text(elf.DT_RUNPATH)
}

// unfit returns why a program cannot load the library o, or "". err is the error of reading it.
func (o *Object) unfit(other *Object, err error) string {
	switch {
	case err == ErrNotELF:
		return "is no library"
	case err != nil:
		return "cannot be read: " + err.Error()
	case !o.SameMachine(other.Header):
		return "is for " + other.Header.String() + ", not " + o.Header.String()
	case o.floats() != "" && other.floats() != "" && o.floats() != other.floats():
		return "is for " + other.floats() + ", not " + o.floats()
	}
	return ""
}

// floats returns how functions take floating-point arguments, where machines differ in that
// only, or "" if the file does not say.
func (o *Object) floats() string {
	const (
		armSoft, armHard = 0x200, 0x400 // EF_ARM_ABI_FLOAT_SOFT, EF_ARM_ABI_FLOAT_HARD
		riscvABI         = 0x6          // EF_RISCV_FLOAT_ABI
	)
	switch machine := o.Machine(); {
	case machine == elf.EM_ARM && o.flags&armHard != 0:
		return "hard float"
	case machine == elf.EM_ARM && o.flags&armSoft != 0:
		return "soft float"
	case machine == elf.EM_RISCV:
		return [...]string{"soft float", "single float", "double float", "quad float"}[o.flags&riscvABI>>1]
	}
	return ""
}

// flagsOf returns e_flags.
func flagsOf(f *elf.File, head []byte) uint32 {
	if f.Class == elf.ELFCLASS64 {
		return f.ByteOrder.Uint32(head[48:])
	}
	return f.ByteOrder.Uint32(head[36:])
}

// withoutSections returns r with a header that names no section headers.
func withoutSections(r io.ReaderAt, head []byte) io.ReaderAt {
	head = bytes.Clone(head)
	if elf.Class(head[elf.EI_CLASS]) == elf.ELFCLASS64 {
		clear(head[40:48]) // e_shoff
		clear(head[60:64]) // e_shnum, e_shstrndx
	} else {
		clear(head[32:36])
		clear(head[48:52])
	}
	return &behind{head, r}
}

// behind is a reader with another beginning.
type behind struct {
	head []byte
	io.ReaderAt
}

func (b *behind) ReadAt(p []byte, offset int64) (int, error) {
	n, err := b.ReaderAt.ReadAt(p, offset)
	if offset < int64(len(b.head)) {
		copy(p[:n], b.head[offset:])
	}
	return n, err
}

// segment returns the bytes of the first program header of a kind, at most most of them.
func segment(f *elf.File, kind elf.ProgType, most uint64) []byte {
	for _, p := range f.Progs {
		if p.Type == kind && p.Filesz <= most {
			data, _ := io.ReadAll(p.Open())
			return data
		}
	}
	return nil
}

// stringAt returns the string at an address of the loaded program.
func stringAt(f *elf.File, address uint64) string {
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Vaddr <= address && address-p.Vaddr < p.Filesz {
			b := make([]byte, min(maxString, p.Filesz-(address-p.Vaddr)))
			n, _ := p.ReadAt(b, int64(address-p.Vaddr))
			return cString(b[:n])
		}
	}
	return ""
}

// cString returns the bytes before the first NUL.
func cString(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}
