package lint

import (
	"debug/elf"
	"io"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

const maxDynamic = 1 << 20 // bytes; larger dynamic sections and string tables are ignored

// interpreter returns the loader of a dynamic program, "" for a static one.
func interpreter(f *elf.File) string {
	return cString(segment(f, elf.PT_INTERP, cpio.PathMax))
}

// dynamic returns the libraries that a file needs (DT_NEEDED) and its own name (DT_SONAME). It
// reads program headers, as the loader does, because OpenWrt's sstrip removes the section
// headers.
func dynamic(f *elf.File) (needed []string, name string) {
	var names, soname uint64
	var needs []uint64
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
		switch elf.DynTag(number(table)) {
		case elf.DT_STRTAB:
			names = value
		case elf.DT_SONAME:
			soname = value
		case elf.DT_NEEDED:
			needs = append(needs, value)
		}
	}
	for _, offset := range needs {
		if library := stringAt(f, names+offset); library != "" {
			needed = append(needed, library)
		}
	}
	if soname > 0 {
		name = stringAt(f, names+soname)
	}
	return needed, name
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
			b := make([]byte, min(cpio.PathMax, p.Filesz-(address-p.Vaddr)))
			n, _ := p.ReadAt(b, int64(address-p.Vaddr))
			return cString(b[:n])
		}
	}
	return ""
}
