package lint

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/elftest"
)

// elfFile returns an ELF file for amd64. It names the loader unless that is "", itself, and
// libraries.
func elfFile(loader, name string, libraries ...string) []byte {
	return elftest.File{Interpreter: loader, Soname: name, Needed: libraries}.Bytes()
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
		"glibc":   append(elfFile("", "ld.so.1"), "\x00/lib/\x00/usr/lib/\x00"...), // with its directories
		"runpath": elftest.File{Interpreter: "/lib/ld.so", Needed: []string{"libb.so"}, RunPath: "$ORIGIN/x"}.Bytes(),
		"conf":    []byte("/opt/x\n"),
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
		{"dynamic:/init glibc:/lib/ld.so liba.so:/usr/lib/liba.so libb.so:/lib/libb.so static:/lib/libc.so.6", ""},
		{"dynamic:/init glibc:/lib/ld.so liba.so:/usr/lib/liba.so libb.so:/opt/libb.so static:/lib/libc.so.6", "needs libb.so, which is in /opt, where its loader does not look"},
		{"dynamic:/init glibc:/lib/ld.so liba.so:/opt/liba.so libb.so:/srv/libb.so static:/lib/libc.so.6",
			"needs liba.so, libb.so, which are in /opt and elsewhere, where its loader does not look"},
		{"dynamic:/init glibc:/lib/ld.so liba.so:/opt/liba.so libb.so:/srv/libb.so", "needs libc.so.6, which is not in the root"},
		{"runpath:/init glibc:/lib/ld.so libb.so:/x/libb.so liba.so:/lib/liba.so static:/lib/libc.so.6", ""},
		{"runpath:/init glibc:/lib/ld.so libb.so:/opt/x/libb.so liba.so:/lib/liba.so static:/lib/libc.so.6 conf:/etc/ld.so.conf", "needs libb.so, which is in /opt/x, where its loader does not look"},
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
		findings, _ := Check(Planned(root), Options{Arch: "amd64", Exec: "/init", ExecOrigin: "test.yaml:3:14"})
		if !slices.Equal(texts(findings), want) {
			t.Errorf("%s: got %q, want %q", c.files, texts(findings), want)
		}
	}
}
