package builder

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// elfFile is an ELF file for amd64 that is nothing but its headers, the name of its
// loader, if that is not "", and the names of libraries.
func elfFile(loader string, libraries ...string) []byte {
	const header, program, section = 64, 56, 64
	names := loader + "\x00" // the names' own table: a name at 0 would be none
	var dynamic []elf.Dyn64
	for _, name := range libraries {
		dynamic = append(dynamic, elf.Dyn64{Tag: int64(elf.DT_NEEDED), Val: uint64(len(names))})
		names += name + "\x00"
	}
	dynamic = append(dynamic, elf.Dyn64{})
	const strings, dyn = header + program + 3*section, 16
	table := uint64(strings + len(names))

	var b bytes.Buffer
	put := func(v any) { binary.Write(&b, binary.LittleEndian, v) }
	h := elf.Header64{
		Type: uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: 1, Phoff: header, Shoff: header + program,
		Ehsize: header, Phentsize: program, Phnum: 1, Shentsize: section, Shnum: 3, Shstrndx: 1,
	}
	copy(h.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	put(h)
	p := elf.Prog64{Type: uint32(elf.PT_INTERP), Off: strings, Filesz: uint64(len(loader) + 1)}
	if loader == "" {
		p.Type = uint32(elf.PT_NULL)
	}
	put(p)
	put(elf.Section64{})
	put(elf.Section64{Type: uint32(elf.SHT_STRTAB), Off: strings, Size: uint64(len(names))})
	put(elf.Section64{Type: uint32(elf.SHT_DYNAMIC), Off: table, Size: uint64(dyn * len(dynamic)), Link: 1, Entsize: dyn})
	b.WriteString(names)
	put(dynamic)
	return b.Bytes()
}

func TestProgram(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"static":  elfFile(""),
		"ld.so":   elfFile(""),
		"musl":    elfFile("/lib/ld-musl-x86_64.so.1", "libc.so", "libm.so.6", "libz.so.1"),
		"dynamic": elfFile("/lib/ld.so", "liba.so", "libc.so.6"),
		"liba.so": elfFile("", "libb.so", "libc.so.6", "ld.so"),
		"libb.so": elfFile("", "liba.so"),
		"script":  []byte("#! /bin/sh -e\n"),
		"windows": []byte("#!/bin/sh\r\n"),
		"itself":  []byte("#!/init\n"),
		"short":   []byte("#!"),
		"no-elf":  []byte("\x7fELF"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		files string // SOURCE:DESTINATION
		want  string // what is wrong with /init
	}{
		{"static:/init", ""},
		{"script:/init", "needs /bin/sh, which is not in the root"},
		{"script:/init static:/bin/sh", ""},
		{"script:/init script:/bin/dash static:/bin/bash", "needs /bin/sh, which is not in the root"},
		{"script:/init dynamic:/bin/sh", "needs /bin/sh, which needs /lib/ld.so, which is not in the root"},
		{"windows:/init static:/bin/sh", `needs /bin/sh\r, which is not in the root`},
		{"itself:/init", strings.Repeat("needs /init, which ", maxScripts) + "names no interpreter that the kernel takes"},
		{"short:/init", "names no interpreter that the kernel takes"},
		{"no-elf:/init", ""}, // the stub says it, and has seen more of it
		{"dynamic:/init", "needs /lib/ld.so, which is not in the root"},
		{"dynamic:/init script:/lib/ld.so", "needs /lib/ld.so, which names no interpreter that the kernel takes"},
		{"dynamic:/init ld.so:/lib/ld.so", "needs liba.so, libc.so.6, which are not in the root"},
		{"dynamic:/init ld.so:/lib/ld.so liba.so:/opt/liba.so", "needs libb.so, libc.so.6, which are not in the root"},
		{"dynamic:/init ld.so:/lib/ld.so liba.so:/opt/liba.so static:/lib/libc.so.6", "needs libb.so, which is not in the root"},
		{"dynamic:/init ld.so:/lib/ld.so liba.so:/opt/liba.so libb.so:/libb.so static:/lib/libc.so.6", ""},
		{"musl:/init ld.so:/lib/ld-musl-x86_64.so.1", "needs libz.so.1, which is not in the root"},
		{"musl:/init ld.so:/lib/ld-musl-x86_64.so.1 static:/lib/libz.so.1", ""},
	} {
		manifest := "arch: amd64\ninit: {exec: /init}\ncontents:\n"
		for _, file := range strings.Fields(c.files) {
			src, dst, _ := strings.Cut(file, ":")
			manifest += "  - {type: file, src: " + src + ", dst: " + dst + "}\n"
		}
		report, err := Check(t.Context(), parse(t, dir, manifest), Options{})
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		if c.want != "" {
			want = []string{"test.yaml:3:14: init.exec: /init " + c.want}
		}
		if !slices.Equal(report.Warnings, want) {
			t.Errorf("%s: got %q, want %q", c.files, report.Warnings, want)
		}
	}
}
