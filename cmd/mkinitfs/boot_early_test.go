package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestBootEarly boots an image with an ACPI table by iasl in front, behind microcode that fits no
// processor. The kernel must install the table, and the root must be as planned.
func TestBootEarly(t *testing.T) {
	t.Parallel()
	testenv.Tool(t, "iasl")
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "ssdt.dsl"), []byte(`DefinitionBlock ("", "SSDT", 2, "MKINIT", "EARLYTST", 1)
{
    Scope (\_SB) { Name (MKIF, 0x2A) }
}
`))
	iasl := exec.Command("iasl", "-p", "ssdt", "ssdt.dsl")
	iasl.Dir = dir
	if out, err := iasl.CombinedOutput(); err != nil {
		t.Fatalf("iasl: %v\n%s", err, out)
	}
	writeFile(t, filepath.Join(dir, "06-01-01"), intelUpdate(1, 64))
	img, _ := buildImage(t, smallManifest(t, fmt.Sprintf("early: [{type: microcode, src: %q}, {type: acpi, src: %q}]", filepath.Join(dir, "06-01-01"), filepath.Join(dir, "ssdt.aml"))))
	got, log := bootGuest(t, img, qemu.Machine{})
	if want := "ACPI: Table Upgrade: install [SSDT-MKINIT-EARLYTST]"; !strings.Contains(log, want) {
		t.Errorf("the kernel does not say %q:\n%s", want, log)
	}
	compare(t, expected(t, img), got)
}

// TestEarlyAsKernel looks for microcode in images as the kernel does. No processor has taken it: the
// microcode is made up.
func TestEarlyAsKernel(t *testing.T) {
	t.Parallel()
	testenv.Tool(t, "cpio")
	dir := t.TempDir()
	for _, sub := range []string{"fw/intel-ucode", "fw/amd-ucode", "kernel/x86"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var want [2][]byte
	for i := range 3 {
		intel, amd := intelUpdate(uint32(i+1), 64+4*i), amdContainer(64+i, 65+i)
		writeFile(t, filepath.Join(dir, "fw/intel-ucode", fmt.Sprintf("06-0%d-01", i)), intel)
		writeFile(t, filepath.Join(dir, "fw/amd-ucode", fmt.Sprintf("microcode_amd_fam1%dh.bin", i)), amd)
		want[0], want[1] = append(want[0], intel...), append(want[1], amd...)
	}
	for size := range 5 { // of an archive in front, so that it ends at each multiple of 4
		writeFile(t, filepath.Join(dir, "kernel/x86/other"), make([]byte, 4*size))
		pack := exec.Command("sh", "-c", "find kernel | cpio -o --quiet -H newc -C 4 >ready.cpio")
		pack.Dir = dir
		if out, err := pack.CombinedOutput(); err != nil {
			t.Fatalf("cpio: %v\n%s", err, out)
		}
		manifest := fmt.Sprintf("version: 1\narch: amd64\nroot: {type: none}\ninit: none\nearly: [%q, {type: microcode, src: %q}]\n", filepath.Join(dir, "ready.cpio"), filepath.Join(dir, "fw"))
		img, _ := buildImage(t, manifest)
		data, err := os.ReadFile(img)
		if err != nil {
			t.Fatal(err)
		}
		for i, path := range []string{"kernel/x86/microcode/GenuineIntel.bin", "kernel/x86/microcode/AuthenticAMD.bin"} {
			at, found := findCPIOData(path, data)
			if !bytes.Equal(found, want[i]) {
				t.Errorf("%s: got %d bytes, want %d", path, len(found), len(want[i]))
			}
			if at%16 != 0 {
				t.Errorf("%s: begins at %#x, want a multiple of 16", path, at)
			}
		}
	}
}

// findCPIOData returns a file at the start of an image with its offset, by the rule of find_cpio_data
// in the kernel's lib/earlycpio.c.
func findCPIOData(path string, image []byte) (int, []byte) {
	const header = 110
	align := func(n int) int { return (n + 3) &^ 3 }
	for at := 0; at+header < len(image); {
		if image[at] == 0 {
			at += 4
			continue
		}
		var fields [14]int
		for i := range fields {
			from := max(0, 8*i-2)
			v, err := strconv.ParseUint(string(image[at+from:at+8*i+6]), 16, 32)
			if err != nil {
				return 0, nil
			}
			fields[i] = int(v)
		}
		name, size := at+header, fields[7]
		body := align(name + fields[12])
		switch {
		case fields[0] != 0x070701 && fields[0] != 0x070702, align(body+size) > len(image):
			return 0, nil
		case fields[2]&0o170000 == 0o100000 && fields[12] >= len(path) && string(image[name:name+len(path)]) == path:
			if fields[12]-len(path) >= 18 { // MAX_CPIO_FILE_NAME
				return 0, nil
			}
			return body, image[body : body+size]
		}
		at = align(body + size)
	}
	return 0, nil
}

// intelUpdate returns microcode of a revision in the format of Intel.
func intelUpdate(revision uint32, body int) []byte {
	b := make([]byte, 48+body)
	put := func(at int, v uint32) { binary.LittleEndian.PutUint32(b[at:], v) }
	put(0, 1)
	put(4, revision)
	put(20, 1)
	put(28, uint32(body))
	put(32, uint32(len(b)))
	sum := uint32(0)
	for at := 0; at < len(b); at += 4 {
		sum += binary.LittleEndian.Uint32(b[at:])
	}
	put(16, -sum)
	return b
}

// amdContainer returns patches of some sizes in the format of AMD.
func amdContainer(patches ...int) []byte {
	word := binary.LittleEndian.AppendUint32
	b := word(word([]byte("DMA\x00"), 0), 16)
	b = append(b, make([]byte, 16)...)
	for i, size := range patches {
		b = word(word(b, 1), uint32(size))
		b = append(b, bytes.Repeat([]byte{byte(i)}, size)...)
	}
	return b
}
