package kmod

import (
	"bytes"
	"debug/elf"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/internal/kmod/kmodtest"
)

var whole = kmodtest.Module{
	Info: []string{
		"license=GPL", "depends=b,c-d", "softdep=pre: e f post: g", "softdep=post: h", "weakdep=i", "alias=pci:v00001AF4d*",
		"alias=devname:net/tun", "firmware=a/b.bin", "vermagic=6.1.0-56-amd64 SMP preempt mod_unload", "", "odd",
	},
	Exports: []string{"y", "x"}, Needs: []string{"printk", ".power"},
}

// TestRead reads modules of all kinds of machines.
func TestRead(t *testing.T) {
	for _, m := range []kmodtest.Module{
		{}, {Machine: elf.EM_386, Class: elf.ELFCLASS32}, {Machine: elf.EM_ARM, Class: elf.ELFCLASS32}, {Machine: elf.EM_AARCH64},
		{Machine: elf.EM_MIPS, Class: elf.ELFCLASS32}, {Machine: elf.EM_MIPS, Class: elf.ELFCLASS32, Big: true},
		{Machine: elf.EM_MIPS, Big: true}, {Machine: elf.EM_PPC64, Big: true}, {Machine: elf.EM_S390, Big: true},
		{Machine: elf.EM_ARM, Class: elf.ELFCLASS32, Big: true}, {Machine: elf.EM_RISCV}, {NoCRC: true},
	} {
		t.Run(fmt.Sprintf("%v %v %v %v", m.Machine, m.Class, m.Big, m.NoCRC), func(t *testing.T) {
			m.Info, m.Exports, m.Needs = whole.Info, whole.Exports, whole.Needs
			r := bytes.NewReader(kmodtest.Make(m))
			got, err := ReadInfo(r)
			if err != nil {
				t.Fatal(err)
			}
			machine := m.Machine
			if machine == 0 {
				machine = elf.EM_X86_64
			}
			want := &Info{
				Depends: []string{"b", "c_d"}, Softdeps: []string{"pre: e f post: g", "post: h"}, Weakdeps: []string{"i"},
				Aliases: []string{"pci:v00001AF4d*", "devname:net/tun"}, Firmware: []string{"a/b.bin"},
				Vermagic: "6.1.0-56-amd64 SMP preempt mod_unload", Machine: machine,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			symbols, err := ReadSymbols(r)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Symbols{Exports: []string{"x", "y"}, Needs: []string{"printk", "power"}}, symbols); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			pre, post := got.Soft()
			if text := fmt.Sprintln(pre, post, got.Release()); text != "[e f] [g h] 6.1.0-56-amd64\n" {
				t.Errorf("got %s", text)
			}
		})
	}
}

// TestNoModule reads files that are no modules.
func TestNoModule(t *testing.T) {
	good := kmodtest.Make(whole)
	program := slices.Clone(good)
	program[16] = byte(elf.ET_EXEC)
	for want, content := range map[string][]byte{
		"not a kernel module, or cut short":                                               nil,
		"not a kernel module: bad magic number '[116 101 120 116]' in record at byte 0x0": []byte(strings.Repeat("text", 100)),
		"not a kernel module: not a relocatable ELF file":                                 program,
		"not a kernel module: it has no section .modinfo":                                 bytes.ReplaceAll(good, []byte(".modinfo"), []byte(".nothing")),
	} {
		if _, err := ReadInfo(bytes.NewReader(content)); err == nil || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
	for n := range good {
		if _, err := ReadInfo(bytes.NewReader(good[:n])); err == nil {
			t.Fatalf("the first %d of %d bytes: got no error", n, len(good))
		}
	}
}

// Values go into lines of the files of depmod and into messages.
func TestHostileInfo(t *testing.T) {
	for text, want := range map[string]string{
		"depends=a\x1b[31m":                      `section .modinfo: depends="a\x1b[31m": want printable ASCII`,
		"alias=a\nalias b c":                     `section .modinfo: alias="a\nalias b c": want printable ASCII`,
		"softdep=pre: a\nsoftdep b":              `section .modinfo: softdep="pre: a\nsoftdep b": want printable ASCII`,
		"firmware=\x9b1m":                        `section .modinfo: firmware="\x9b1m": want printable ASCII`,
		"vermagic=6.1\r":                         `section .modinfo: vermagic="6.1\r": want printable ASCII`,
		"alias=" + strings.Repeat("x", 4<<20):    "section .modinfo: 4194311 bytes, where 4194304 are the most",
		"description=two\nlines":                 "",
		"alias=pci:v*\x00softdep=pre: a post: b": "",
	} {
		_, err := ReadInfo(bytes.NewReader(kmodtest.Make(kmodtest.Module{Info: []string{text}})))
		if got := fmt.Sprint(err); got != want && (want != "" || err != nil) {
			t.Errorf("%.40q: got %s, want %q", text, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	for file, want := range map[string]string{
		"kernel/net/virtio-net.ko": "virtio_net", "a.ko.gz": "a", "a.ko.xz": "a", "a.ko.zst": "a", "a.ko.debug": "", "a.o": "", "a.b.ko": "a", "ko": "",
	} {
		if got := NameOf(file); got != want {
			t.Errorf("%s: got %q, want %q", file, got, want)
		}
	}
	if got := Plain("d/a-b.ko.zst"); got != "d/a-b.ko" {
		t.Errorf("got %s", got)
	}
}

func TestMatchAlias(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"pci:v00001AF4d*", "pci:v00001AF4d00001000sv*sd*bc*sc*i*", true},
		{"pci:v00001AF4d00001000sv*sd*bc*sc*i*", "pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00", true},
		{"pci:v00001AF4d*", "pci:v00008086d*", false},
		{"usb:v1d[0-9]x", "usb:v1d5x", true},
		{"usb:v1d[0-9]x", "usb:v1d-x", false},
		{"fs-ext4", "fs_ext4", true},
		{"devname:*", "devname:net/tun", true},
		{"a[", "a[", false},
		{"a]", "a]", false},
		{"a*", "a[", false},
	} {
		if got := MatchAlias(c.pattern, c.text); got != c.want {
			t.Errorf("%s, %s: got %v", c.pattern, c.text, got)
		}
	}
}

func TestSince(t *testing.T) {
	for release, want := range map[string]bool{"5.3.0": true, "5.2.99-x": false, "6.0": true, "4.19.1": false, "next": true, "": true} {
		if got := Since(release, 5, 3); got != want {
			t.Errorf("%q: got %v", release, got)
		}
	}
}

// TestCircle has modules that need each other.
func TestCircle(t *testing.T) {
	d := Directory{Modules: []*Module{
		{Name: "a", Path: "a.ko", Info: &Info{Depends: []string{"b"}}}, {Name: "b", Path: "b.ko", Info: &Info{Depends: []string{"a"}}},
		{Name: "c", Path: "c.ko", Info: &Info{}},
	}}
	_, err := d.Files()
	if want := "modules need each other in a circle: a.ko, b.ko"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

// TestText refuses names that the files cannot hold.
func TestText(t *testing.T) {
	for name, want := range map[string]string{
		"ä":    `modules.dep.bin: "ä": the indexes of modprobe hold ASCII only`,
		"a b":  `"a b.ko": modules.dep cannot hold this name: want no blanks, colons and control characters`,
		"a\nb": `"a\nb.ko": modules.dep cannot hold this name: want no blanks, colons and control characters`,
		"a:b":  `"a:b.ko": modules.dep cannot hold this name: want no blanks, colons and control characters`,
	} {
		d := Directory{Modules: []*Module{{Name: name, Path: name + ".ko", Info: &Info{}}}}
		_, err := d.Files()
		if err == nil || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}

// TestWithoutSymbols finds dependencies that only .modinfo names.
func TestWithoutSymbols(t *testing.T) {
	d := Directory{Modules: []*Module{
		{Name: "a", Path: "a.ko", Info: &Info{Depends: []string{"b"}}}, {Name: "b", Path: "b.ko.xz", Info: &Info{Depends: []string{"c"}}},
		{Name: "c", Path: "c.ko", Info: &Info{}},
	}}
	files, err := d.Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if want := "a.ko: b.ko.xz c.ko\nb.ko.xz: c.ko\nc.ko:\n"; f.Name == "modules.dep" && string(f.Content) != want {
			t.Errorf("got %s, want %s", f.Content, want)
		}
	}
}

// FuzzRead reads anything without a panic.
func FuzzRead(f *testing.F) {
	f.Add(kmodtest.Make(whole))
	f.Add(kmodtest.Make(kmodtest.Module{Machine: elf.EM_MIPS, Class: elf.ELFCLASS32, Big: true, Info: whole.Info, NoCRC: true, Exports: whole.Exports}))
	f.Fuzz(func(t *testing.T, content []byte) {
		r := bytes.NewReader(content)
		info, err := ReadInfo(r)
		if err != nil {
			return
		}
		symbols, err := ReadSymbols(r)
		if err != nil {
			return
		}
		m := &Module{Name: "m", Path: "m.ko", Info: info, Symbols: symbols}
		d := Directory{Modules: []*Module{m}, Builtin: ParseBuiltin(content, content)}
		files, err := d.Files()
		if err != nil {
			return
		}
		for _, file := range files {
			if strings.HasSuffix(file.Name, ".bin") {
				dump(t, file.Content)
			}
		}
	})
}
