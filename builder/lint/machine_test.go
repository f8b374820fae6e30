package lint

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// dynamicProgram returns a program that names a loader, and nothing else.
func dynamicProgram(t *testing.T, machine elf.Machine, loader string) []byte {
	t.Helper()
	const headers, segment = 64, 56
	var b bytes.Buffer
	name := append([]byte(loader), 0)
	for _, part := range []any{
		&elf.Header64{
			Ident:   [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
			Type:    uint16(elf.ET_EXEC),
			Machine: uint16(machine), Version: uint32(elf.EV_CURRENT), Phoff: headers, Ehsize: headers, Phentsize: segment, Phnum: 1,
		},
		&elf.Prog64{Type: uint32(elf.PT_INTERP), Off: headers + segment, Filesz: uint64(len(name)), Memsz: uint64(len(name))},
		name,
	} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestMachine(t *testing.T) {
	file := func(path string, data []byte) *plan.Entry {
		return &plan.Entry{Path: path, Mode: plan.TypeFile | 0o755, Size: int64(len(data)), Data: plan.Data{At: bytes.NewReader(data)}}
	}
	root := Planned{
		{Path: "/", Mode: plan.TypeDir | 0o755},
		file("/alone", dynamicProgram(t, elf.EM_AARCH64, "/ld-missing")),
		file("/empty", nil),
		{Path: "/init", Mode: plan.TypeLink | 0o777, Target: "script"},
		file("/ld-amd64", dynamicProgram(t, elf.EM_X86_64, "/ld-amd64")),
		file("/loop", []byte("#!/loop\n")),
		file("/mixed", dynamicProgram(t, elf.EM_AARCH64, "/ld-amd64")),
		file("/nameless", []byte("#! \n")),
		file("/program", dynamicProgram(t, elf.EM_X86_64, "/ld-amd64")),
		file("/script", []byte("#! /second -x\n")),
		file("/second", []byte("#!/program\x00y")),
		file("/sparc", dynamicProgram(t, elf.EM_SPARCV9, "/ld-missing")),
	}
	for exec, want := range map[string]string{
		"/init":     "amd64",
		"/program":  "amd64",
		"/alone":    "arm64",
		"/mixed":    "/mixed is for arm64, and its loader /ld-amd64 for amd64",
		"/loop":     "/loop: more than 5 scripts start each other",
		"/nameless": "/nameless names no interpreter",
		"/empty":    "/empty is neither an ELF program nor a #! script",
		"/missing":  "/missing is not in the root",
		"/sparc":    "/sparc is for SPARCV9, for which there is no stub",
		"":          "there is no program to go by",
	} {
		got, err := Machine(root, exec)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", exec, got, want)
		}
	}
}
