package lint

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// elfFile returns an ELF file for amd64 without section headers. It names the loader unless
// that is "", itself, and libraries.
func elfFile(loader, name string, libraries ...string) []byte {
	const header, program, dyn, address = 64, 56, 16, 0x400000
	names := "\x00" + loader + "\x00"
	var dynamic []elf.Dyn64
	add := func(tag elf.DynTag, name string) {
		dynamic = append(dynamic, elf.Dyn64{Tag: int64(tag), Val: uint64(len(names))})
		names += name + "\x00"
	}
	if name != "" {
		add(elf.DT_SONAME, name)
	}
	for _, name := range libraries {
		add(elf.DT_NEEDED, name)
	}
	const start = header + 3*program
	dynamic = append(dynamic, elf.Dyn64{Tag: int64(elf.DT_STRTAB), Val: address + start}, elf.Dyn64{})
	table := uint64(start + len(names))
	size := uint64(dyn * len(dynamic))

	var b bytes.Buffer
	put := func(v any) { binary.Write(&b, binary.LittleEndian, v) }
	h := elf.Header64{
		Type: uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: 1,
		Phoff: header, Ehsize: header, Phentsize: program, Phnum: 3,
	}
	copy(h.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	put(h)
	p := elf.Prog64{Type: uint32(elf.PT_INTERP), Off: start + 1, Filesz: uint64(len(loader) + 1)}
	if loader == "" {
		p.Type = uint32(elf.PT_NULL)
	}
	put(p)
	put(elf.Prog64{Type: uint32(elf.PT_LOAD), Vaddr: address, Filesz: table + size})
	put(elf.Prog64{Type: uint32(elf.PT_DYNAMIC), Off: table, Filesz: size})
	b.WriteString(names)
	put(dynamic)
	return b.Bytes()
}

func TestProgram(t *testing.T) {
	contents := map[string][]byte{
		"static":  elfFile("", ""),
		"ld.so":   elfFile("/lib/none", "ld.so.1"), // can be run itself
		"musl":    elfFile("/lib/ld-musl-x86_64.so.1", "", "libc.so", "libm.so.6", "libz.so.1"),
		"dynamic": elfFile("/lib/ld.so\x00was longer", "", "liba.so", "libc.so.6"),
		"liba.so": elfFile("", "liba.so", "libb.so", "libc.so.6", "ld.so.1"),
		"libb.so": elfFile("", "libb.so", "liba.so"),
		"renamed": elfFile("/lib/ld.so", "", "other.so", "libb.so"),
		"self":    elfFile("/init", ""),
		"odd":     elfFile("/lib/ld.so", "", "lib\n\x1b.so"),
		"script":  []byte("#! /bin/sh -e\n"),
		"windows": []byte("#!/bin/sh\r\n"),
		"itself":  []byte("#!/init\n"),
		"short":   []byte("#!"),
		"no-elf":  []byte("\x7fELF"),
	}
	for _, c := range []struct {
		files string // SOURCE:DESTINATION, or -> and a link to nothing
		want  string // the problem of /init
	}{
		{"static:/init", ""},
		{"script:/init", "needs /bin/sh, which is not in the root"},
		{"script:/init static:/bin/sh", ""},
		{"script:/init script:/bin/dash static:/bin/bash", "needs /bin/sh, which is not in the root"},
		{"script:/init dynamic:/bin/sh", "needs /bin/sh, which needs /lib/ld.so, liba.so, libc.so.6, which are not in the root"},
		{"windows:/init static:/bin/sh", `needs /bin/sh\r, which is not in the root`},
		{"itself:/init", strings.Repeat("needs /init, which ", maxScripts) + "names no interpreter that the kernel takes"},
		{"short:/init", "names no interpreter that the kernel takes"},
		{"no-elf:/init", ""}, // the stub reports it at boot, and knows more then
		{"dynamic:/init", "needs /lib/ld.so, liba.so, libc.so.6, which are not in the root"},
		{"self:/init", ""}, // as the kernel does not look further
		{"odd:/init ld.so:/lib/ld.so", `needs lib\n\x1b.so, which is not in the root`},
		{"renamed:/init ld.so:/lib/ld.so libb.so:/lib/other.so liba.so:/lib/liba.so static:/lib/libc.so.6", ""},
		{"dynamic:/init ->/lib/ld.so ->/lib/liba.so", "needs /lib/ld.so -> none, liba.so -> none, libc.so.6, which are not in the root"},
		{"dynamic:/init ld.so:/lib/ld.so", "needs liba.so, libc.so.6, which are not in the root"},
		{"dynamic:/init ld.so:/lib/ld.so liba.so:/opt/liba.so", "needs libb.so, libc.so.6, which are not in the root"},
		{"dynamic:/init ld.so:/lib/ld.so liba.so:/opt/liba.so static:/lib/libc.so.6", "needs libb.so, which is not in the root"},
		{"dynamic:/init ld.so:/lib/ld.so liba.so:/opt/liba.so libb.so:/libb.so static:/lib/libc.so.6", ""},
		{"musl:/init ld.so:/lib/ld-musl-x86_64.so.1", "needs libz.so.1, which is not in the root"},
		{"musl:/init ld.so:/lib/ld-musl-x86_64.so.1 static:/lib/libz.so.1", ""},
		{"dynamic:/init ld.so:/lib/ld.so liba.so:/liba.so libb.so:/libb.so static:/lib/ld-musl-x86_64.so.1", ""}, // of two names
	} {
		var entries []*plan.Entry
		for _, file := range strings.Fields(c.files) {
			e := &plan.Entry{Mode: plan.TypeLink | 0o777, Target: "none"}
			src, dst, _ := strings.Cut(file, ":")
			if src == file {
				dst = strings.TrimPrefix(file, "->")
			} else {
				content := contents[src]
				e = &plan.Entry{Mode: plan.TypeFile | 0o755, Size: int64(len(content)), Data: plan.Data{At: bytes.NewReader(content)}}
			}
			e.Path, e.Origin = dst, "test.yaml:4:5"
			entries = append(entries, e)
		}
		root, err := plan.Make(entries, plan.Options{RootMode: 0o755})
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		if c.want != "" {
			want = []string{"test.yaml:3:14: init.exec: /init " + c.want}
		}
		warnings, _ := Check(Planned(root), Options{Arch: "amd64", Exec: "/init", ExecOrigin: "test.yaml:3:14"})
		if !slices.Equal(warnings, want) {
			t.Errorf("%s: got %q, want %q", c.files, warnings, want)
		}
	}
}
