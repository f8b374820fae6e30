// Package kmod reads kernel modules and writes the files of depmod.
//
// A module says in its section .modinfo what it needs: other modules, firmware and the kernel
// that it was built for. modprobe and udev never look there. They read the files that depmod
// derives from all modules of a kernel: modules.dep, modules.alias and others as text, and most
// of them as an index, too. libkmod reads only the indexes, busybox only the text.
package kmod

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// Info is the metadata of a module, in the order of its file.
type Info struct {
	Depends  []string // names of modules that have to be loaded before it
	Softdeps []string // such as "pre: a b post: c"
	Weakdeps []string // names of modules that it may load at any time
	Aliases  []string
	Firmware []string // names below /lib/firmware, or patterns of names
	Vermagic string   // the kernel that it was built for; "" if it does not say
	Machine  elf.Machine
}

// Module is a module in the directory of its kernel.
type Module struct {
	Name string // as in lsmod: "virtio_net" for virtio-net.ko
	Path string // relative to the directory: "kernel/net/virtio-net.ko.xz"
	*Info
	Symbols
}

// Symbols are the symbols of a module that connect it to others.
type Symbols struct {
	Exports []string // sorted
	Needs   []string // in the order of the file
}

// Suffixes are the endings of the file of a module.
var suffixes = []string{".ko", ".ko.gz", ".ko.xz", ".ko.zst"}

// NameOf returns the name of the module in a file, or "" if it is not called like a module.
func NameOf(file string) string {
	base := path.Base(file)
	for _, suffix := range suffixes {
		if name, ok := strings.CutSuffix(base, suffix); ok {
			name, _, _ = strings.Cut(name, ".")
			return Normalize(name)
		}
	}
	return ""
}

// Plain returns the name of a module's file without the suffix of a codec.
func Plain(file string) string {
	for _, suffix := range suffixes {
		if name, ok := strings.CutSuffix(file, suffix); ok {
			return name + ".ko"
		}
	}
	return file
}

// Normalize returns the name of a module as the kernel has it.
func Normalize(name string) string { return strings.ReplaceAll(name, "-", "_") }

// ReadInfo reads the section .modinfo of a module that is not compressed.
func ReadInfo(r io.ReaderAt) (*Info, error) {
	f, err := open(r)
	if err != nil {
		return nil, err
	}
	lines, err := texts(f, ".modinfo")
	if err == nil && lines == nil {
		err = errors.New("not a kernel module: it has no section .modinfo")
	}
	if err != nil {
		return nil, err
	}
	info := &Info{Machine: f.Machine}
	for _, line := range lines {
		if key, value, ok := strings.Cut(line, "="); ok {
			if err := info.add(key, value); err != nil {
				return nil, err
			}
		}
	}
	return info, nil
}

// maxTexts bounds a section of texts, in bytes. Real modules stay far below it.
const maxTexts = 4 << 20

// texts returns the texts in a section, each of which ends with a NUL, or nil if there is no such
// section. The kernel reads no section that is compressed by itself.
func texts(f *elf.File, name string) ([]string, error) {
	section := f.Section(name)
	if section == nil {
		return nil, nil
	}
	if section.Flags&elf.SHF_COMPRESSED != 0 {
		return nil, fmt.Errorf("section %s: compressed", name)
	}
	if section.Size > maxTexts {
		return nil, fmt.Errorf("section %s: %d bytes, where %d are the most", name, section.Size, maxTexts)
	}
	data, err := section.Data()
	if err != nil {
		return nil, fmt.Errorf("section %s: %w", name, err)
	}
	return strings.Split(string(data), "\x00"), nil
}

// open opens an ELF file. Modules are relocatable, so a program is an error.
func open(r io.ReaderAt) (*elf.File, error) {
	f, err := elf.NewFile(r)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("not a kernel module, or cut short")
	case err != nil:
		return nil, fmt.Errorf("not a kernel module: %w", err)
	case f.Type != elf.ET_REL:
		return nil, errors.New("not a kernel module: not a relocatable ELF file")
	}
	return f, nil
}

// namingKeys are the keys that Info has values of.
var namingKeys = []string{"depends", "softdep", "weakdep", "alias", "firmware", "vermagic"}

func notPrintable(r rune) bool { return r < ' ' || r > '~' }

// add adds a value. A value with a line end would add lines to the files that depmod writes.
func (i *Info) add(key, value string) error {
	if slices.Contains(namingKeys, key) && strings.ContainsFunc(value, notPrintable) {
		return fmt.Errorf("section .modinfo: %s=%.100q: want printable ASCII", key, value)
	}
	switch key {
	case "depends":
		for name := range strings.SplitSeq(value, ",") {
			if name != "" {
				i.Depends = append(i.Depends, Normalize(name))
			}
		}
	case "softdep":
		i.Softdeps = append(i.Softdeps, value)
	case "weakdep":
		i.Weakdeps = append(i.Weakdeps, value)
	case "alias":
		i.Aliases = append(i.Aliases, value)
	case "firmware":
		i.Firmware = append(i.Firmware, value)
	case "vermagic":
		i.Vermagic = value
	}
	return nil
}

// Release returns the kernel that the module was built for, as uname -r prints it, or "".
func (i *Info) Release() string {
	release, _, _ := strings.Cut(i.Vermagic, " ")
	return release
}

// Soft returns the names in softdeps: of modules to load before the module, and after it.
func (i *Info) Soft() (pre, post []string) {
	for _, line := range i.Softdeps {
		var to *[]string
		for _, word := range strings.Fields(line) {
			switch word {
			case "pre:":
				to = &pre
			case "post:":
				to = &post
			default:
				if to != nil {
					*to = append(*to, word)
				}
			}
		}
	}
	return pre, post
}

// crcPrefix begins the symbols with the checksums of exports.
const crcPrefix = "__crc_"

// ReadSymbols reads the symbols of a module. One without a table of symbols has none.
//
// A kernel with CONFIG_MODVERSIONS has a symbol with a checksum for each export. Without it,
// the names of exports stand in a section of their own. depmod reads them in this order, too.
func ReadSymbols(r io.ReaderAt) (Symbols, error) {
	var s Symbols
	f, err := open(r)
	if err != nil {
		return s, err
	}
	table, err := f.Symbols()
	if errors.Is(err, elf.ErrNoSymbols) {
		err = nil
	}
	if err != nil {
		return s, fmt.Errorf("symbols: %w", err)
	}
	for _, symbol := range table {
		name, export := strings.CutPrefix(symbol.Name, crcPrefix)
		switch {
		case export:
			s.Exports = append(s.Exports, name)
		case symbol.Section == elf.SHN_UNDEF && name != "":
			s.Needs = append(s.Needs, strings.TrimPrefix(name, ".")) // ppc64 has .f for the code of f
		}
	}
	if len(s.Exports) == 0 {
		s.Exports, err = texts(f, "__ksymtab_strings")
		s.Exports = slices.DeleteFunc(s.Exports, func(name string) bool { return name == "" })
	}
	slices.Sort(s.Exports)
	s.Exports = slices.Compact(s.Exports)
	return s, err
}
