package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestBootEveryFailure boots the failures on a kernel that TestBootFails in builder/stub/init
// runs in namespaces. Each must print its reason on a serial console.
func TestBootEveryFailure(t *testing.T) {
	t.Parallel()
	testenv.Matrix(t)
	other := filepath.Join(t.TempDir(), "other")
	program := []byte(readFile(t, testenv.Tool(t, "busybox")))
	program[18], program[19] = 0x02, 0x00 // e_machine: SPARC
	writeFile(t, other, program)

	const (
		script  = "  - {type: file, dst: /x, mode: 0755, content: \"#!/x86\\n\"}"
		changed = "hint: the image was changed after it was built"
		damaged = "hint: the image is damaged, or its stub is not that of the mkinitfs which built it"
		notExec = "hint: init.exec has to be an executable for this machine"
	)
	for _, test := range []struct {
		name   string
		lines  []string  // of the manifest, by default a script as /x, which is init.exec
		change [2]string // in the image, once
		words  string
		texts  []string
	}{
		{"no plan", nil, [2]string{".mkinitfs/plan\x00", ".mkinitfs/plot\x00"}, "", []string{"read the plan: read /.mkinitfs/plan: no such file or directory", damaged}},
		{"no text in the plan", nil, [2]string{"mkinitfs 1\n", "\xff\x00\xff\x00\xff\x00\xff\x00\xff\x00\n"}, "", []string{"read the plan: read /.mkinitfs/plan: line 1: not a boot plan", damaged}},
		{"plan of a later format", nil, [2]string{"mkinitfs 1\n", "mkinitfs 2\n"}, "", []string{"read the plan: read /.mkinitfs/plan: line 1: format 2, this stub reads format 1", damaged}},
		{"root type of the future", nil, [2]string{"root tmpfs\n", "root ovlfs\n"}, "", []string{"read the plan: root type ovlfs, this stub knows tmpfs and bind", damaged}},
		{"payload of another stub", []string{script, "root: {payload: zstd}"}, [2]string{"payload zstd\n", "payload none\n"}, "", []string{"read the plan: payload none, this stub decodes zstd", "hint: build the image without --stub"}},
		{"no member", nil, [2]string{".mkinitfs/root.0000\x00", ".mkinitfs/root.9999\x00"}, "", []string{"unpack the root: unpack /.mkinitfs/root.0000: no such file or directory", changed}},
		{"header of a zstd member", []string{script, "root: {payload: zstd}"}, [2]string{"\x28\xb5\x2f\xfd", "\x28\xb5\x2f\xfc"}, "", []string{"unpack the root: unpack /.mkinitfs/root.0000: ", changed}},
		{"header of a gzip member", []string{script, "root: {payload: gzip}"}, [2]string{"\x1f\x8b\x08", "\x1f\x8b\x09"}, "", []string{"unpack the root: unpack /.mkinitfs/root.0000: ", changed}},
		{"header of a raw member", []string{script, "root: {payload: none}"}, [2]string{"00000000x\x00", "00000000y\x00"}, "", []string{"unpack the root: unpack /.mkinitfs/root.0000: CRC-32 is ", changed}},
		{"inodes of the command line", nil, [2]string{}, "rootflags=nr_inodes=3", []string{" entries, nr_inodes= allows 3", "hint: raise root.inodes in the manifest or nr_inodes= in rootflags="}},
		{"size of the command line", []string{script, "  - {type: file, dst: /y, content: \"" + strings.Repeat("y", 5000) + "\"}"}, [2]string{}, "rootflags=size=4k", []string{"size=4k allows 0 MiB", "hint: raise root.size"}},

		{"no program", []string{"  - {type: dir, dst: /y}"}, [2]string{}, "", []string{"find the program: program /x: no such file or directory", "hint: init.exec has to name a file of the root"}},
		{"directory", []string{"  - {type: dir, dst: /x}"}, [2]string{}, "", []string{"find the program: program /x: is a directory", notExec}},
		{"not executable", []string{"  - {type: file, dst: /x, content: \"#!/bin/sh\\n\"}"}, [2]string{}, "", []string{"find the program: program /x: is not executable (no x in its mode)", notExec}},
		{"text", []string{"  - {type: file, dst: /x, mode: 0755, content: \"echo\\n\"}"}, [2]string{}, "", []string{"find the program: program /x: is neither an ELF program nor a #! script", notExec}},
		{"no interpreter", nil, [2]string{}, "", []string{"find the program: program /x: needs /x86: no such file or directory", "hint: add the interpreter or loader to the root"}},
		{"script from Windows", []string{"  - {type: file, dst: /x, mode: 0755, content: \"#!/bin/sh\\r\\n\"}"}, [2]string{}, "", []string{`find the program: program /x: needs /bin/sh\r: no such file or directory`, "hint: this script comes from Windows"}},
		{"no loader", []string{"  - {type: file, dst: /x, src: \"" + testenv.Tool(t, "ls") + "\"}"}, [2]string{}, "", []string{"find the program: program /x: needs /lib64/ld-linux-x86-64.so.2: no such file or directory", "hint: add the interpreter or loader to the root"}},
		{"another architecture", []string{"  - {type: file, dst: /x, mode: 0755, src: \"" + other + "\"}"}, [2]string{}, "", []string{"find the program: program /x: is a program for another architecture", notExec}},
		{"circle of links", []string{"  - {type: symlink, dst: /x, target: y}", "  - {type: symlink, dst: /y, target: x}"}, [2]string{}, "", []string{"find the program: program /x: too many levels of symbolic links", "hint: init.exec has to name a file of the root"}},
		{"bind", []string{script, "root: {type: bind}"}, [2]string{}, "", []string{"find the program: program /x: needs /x86: no such file or directory"}},
		{"no shell either", nil, [2]string{}, "mkinitfs.on_error=shell", []string{"starting a shell", "exec /bin/sh: no such file or directory"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			lines := test.lines
			if lines == nil {
				lines = []string{script}
			}
			img, _ := buildImage(t, "version: 1\ncompress: none\ninit: {exec: /x}\ncontents:\n"+strings.Join(lines, "\n")+"\n")
			if old, changed := []byte(test.change[0]), []byte(test.change[1]); len(old) > 0 {
				data := []byte(readFile(t, img))
				if !bytes.Contains(data, old) {
					t.Fatalf("no %q in the image", old)
				}
				writeFile(t, img, bytes.Replace(data, old, changed, 1))
			}
			wantFailure(t, img, qemu.Machine{Append: test.words}, test.texts...)
		})
	}
}
