package builder

import (
	"cmp"
	"debug/elf"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// missingLibraries returns the libraries that a program, or a library of it, names and
// that nothing in the root is called, neither a file nor, by itself, a library that is
// loaded. In which folders the loader looks is its own affair.
func (b *build) missingLibraries(program *elf.File, loader string) []string {
	have := map[string]bool{path.Base(loader): true}
	if e := plan.Find(b.entries, loader); e != nil {
		_, name := b.library(e)
		have[name] = true
	}
	isMusl := func(name string) bool { return strings.HasPrefix(path.Base(name), "ld-musl-") }
	musl := isMusl(loader) || slices.ContainsFunc(b.entries, func(e *plan.Entry) bool { return isMusl(e.Path) })
	missing := map[string]string{} // with the target, if there is a link that leads to nothing
	seen := map[string]bool{}
	for needed, _ := dynamic(program); len(needed) > 0; {
		wanted := map[string]*plan.Entry{}
		for _, name := range needed {
			if name = path.Base(name); !seen[name] && !(musl && inMusl(name)) {
				wanted[name] = nil
			}
			seen[name] = true
		}
		for _, e := range b.entries {
			name := path.Base(e.Path)
			if found, ok := wanted[name]; ok && found == nil {
				wanted[name] = plan.Find(b.entries, e.Path)
				if e.IsLink() {
					missing[name] = name + " -> " + e.Target
				}
			}
		}
		needed = nil
		for name, e := range wanted {
			if e == nil {
				missing[name] = cmp.Or(missing[name], name)
				continue
			}
			delete(missing, name)
			more, own := b.library(e)
			needed = append(needed, more...)
			have[own] = true
		}
	}
	maps.DeleteFunc(missing, func(name, _ string) bool { return have[name] })
	return slices.Sorted(maps.Values(missing))
}

// library returns what a library needs, and what it is called by itself.
func (b *build) library(e *plan.Entry) (needed []string, name string) {
	file, err := b.open(e)
	if err != nil {
		return nil, ""
	}
	defer file.Close()
	f, err := elf.NewFile(file)
	if err != nil {
		return nil, ""
	}
	return dynamic(f)
}

// inMusl reports whether musl's loader is the library itself, by its
// ldso/dynlink.c.
func inMusl(library string) bool {
	name, _, _ := strings.Cut(library, ".")
	switch name {
	case "libc", "libpthread", "librt", "libm", "libdl", "libutil", "libxnet":
		return true
	}
	return false
}

const (
	maxPath    = 4096
	maxDynamic = 1 << 20 // larger ones, and tables of names, are not looked at
)

// interpreter is the loader of a dynamic program, "" of a static one.
func interpreter(f *elf.File) string {
	return text(segment(f, elf.PT_INTERP, maxPath))
}

// dynamic returns the libraries that a file needs and what it is called, DT_NEEDED and
// DT_SONAME. It goes by the program headers, as the loader does: OpenWrt's sstrip leaves
// no others.
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

// segment returns what the first program header of a kind is of, if that is not too large.
func segment(f *elf.File, kind elf.ProgType, most uint64) []byte {
	for _, p := range f.Progs {
		if p.Type == kind && p.Filesz <= most {
			data, _ := io.ReadAll(p.Open())
			return data
		}
	}
	return nil
}

// stringAt returns the string that is loaded at an address.
func stringAt(f *elf.File, address uint64) string {
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Vaddr <= address && address-p.Vaddr < p.Filesz {
			b := make([]byte, min(maxPath, p.Filesz-(address-p.Vaddr)))
			n, _ := p.ReadAt(b, int64(address-p.Vaddr))
			return text(b[:n])
		}
	}
	return ""
}
