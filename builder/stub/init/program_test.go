//go:build linux

package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// program is what the headers of an ELF program say.
type program struct {
	class       elf.Class
	order       binary.ByteOrder
	kind        elf.Type
	machine     elf.Machine
	interpreter string
	length      uint64 // of PT_INTERP, if not the interpreter's
	headers     int    // e_phnum, if not as many as there are; -1 is none
	size        uint16 // e_phentsize, if not the class's
}

// nativeProgram is a static program of this machine.
func nativeProgram(t testing.TB) program {
	t.Helper()
	f, err := elf.Open("/proc/self/exe")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	return program{class: f.Class, order: f.ByteOrder, kind: elf.ET_EXEC, machine: f.Machine}
}

// with returns p with a change.
func (p program) with(change func(*program)) program {
	change(&p)
	return p
}

// bytes are the program's headers and PT_INTERP, and no code.
func (p program) bytes() []byte {
	var header, load, interp any
	length := uint64(len(p.interpreter) + 1)
	if p.length > 0 {
		length = p.length
	}
	data := byte(elf.ELFDATA2LSB)
	if p.order == binary.BigEndian {
		data = byte(elf.ELFDATA2MSB)
	}
	ident := [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(p.class), data, byte(elf.EV_CURRENT)}
	headers := uint16(2)
	if p.headers != 0 {
		headers = uint16(max(p.headers, 0))
	}
	end := 0
	switch p.class {
	case elf.ELFCLASS32:
		end = 52 + 2*32
		load = elf.Prog32{Type: uint32(elf.PT_LOAD), Filesz: uint32(end)}
		interp = elf.Prog32{Type: uint32(elf.PT_INTERP), Off: uint32(end), Filesz: uint32(length)}
		header = elf.Header32{
			Ident: ident, Type: uint16(p.kind), Machine: uint16(p.machine), Phoff: 52, Phentsize: max(p.size, 32), Phnum: headers,
		}
	default:
		end = 64 + 2*56
		load = elf.Prog64{Type: uint32(elf.PT_LOAD), Filesz: uint64(end)}
		interp = elf.Prog64{Type: uint32(elf.PT_INTERP), Off: uint64(end), Filesz: length}
		header = elf.Header64{
			Ident: ident, Type: uint16(p.kind), Machine: uint16(p.machine), Phoff: 64, Phentsize: max(p.size, 56), Phnum: headers,
		}
	}
	if p.interpreter == "" {
		interp = load
	}
	var b bytes.Buffer
	for _, part := range []any{header, load, interp} {
		if err := binary.Write(&b, p.order, part); err != nil {
			panic(err)
		}
	}
	return append(b.Bytes(), p.interpreter+"\x00"...)
}

// opposite is the byte order that this machine does not have.
func opposite(order binary.ByteOrder) binary.ByteOrder {
	if order == binary.BigEndian {
		return binary.LittleEndian
	}
	return binary.BigEndian
}

func TestCheckProgram(t *testing.T) {
	native := nativeProgram(t)
	other := elf.EM_SPARC // runs on no machine of ours
	static := native.bytes()
	dynamic := func(loader string) []byte {
		return native.with(func(p *program) { p.kind, p.interpreter = elf.ET_DYN, loader }).bytes()
	}
	changed := func(change func(*program)) []byte { return native.with(change).bytes() }

	root := t.TempDir()
	write := func(name string, mode os.FileMode, data []byte) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, mode); err != nil {
			t.Fatal(err)
		}
	}
	const sh = "#!/bin/sh\n"
	for name, data := range map[string]string{
		"usr/bin/sh":  string(static),
		"lib/ld.so":   string(static),
		"dynamic":     string(dynamic("/lib/ld.so")),
		"no-loader":   string(dynamic("/lib/ld-none.so")),
		"bad-loader":  string(dynamic("/empty")),
		"junk-loader": string(dynamic("/lib/ld.so\x00behind")),
		"truncated":   string(static[:63]),
		"no-table":    string(static[:70]),
		"no-interp":   string(dynamic("/lib/ld.so")[:len(dynamic(""))+2]),
		"machine":     string(changed(func(p *program) { p.machine = other })),
		"order":       string(changed(func(p *program) { p.order = opposite(p.order) })),
		"class":       string(changed(func(p *program) { p.class, p.machine = elf.ELFCLASS64, elf.EM_386 })),
		"classless":   string(changed(func(p *program) { p.class = 0 })),
		"object":      string(changed(func(p *program) { p.kind = elf.ET_REL })),
		"core":        string(changed(func(p *program) { p.kind = elf.ET_CORE })),
		"headless":    string(changed(func(p *program) { p.headers = -1 })),
		"sizes":       string(changed(func(p *program) { p.size = 0xffff })),
		"large":       string(changed(func(p *program) { p.headers, p.size = 0xffff, 0xffff })),
		"many":        string(changed(func(p *program) { p.headers = 0xffff })),
		"flat":        "bFLT\x00\x00\x00\x04",
		"script":      sh + "exit\n",
		"spaces":      "#! \t /bin/sh -e -u\n",
		"bare":        "#!/bin/sh",
		"crlf":        "#!/bin/sh\r\nexit\r\n",
		"nobody":      "#!/bin/bash\n",
		"nameless":    "#!  \n/bin/sh\n",
		"text":        "exit\n",
		"empty":       "",
		"script1":     "#!/script\n", "script2": "#!/script1\n", "script3": "#!/script2\n", "script4": "#!/script3\n",
		"script5": "#!/script4\n", "script6": "#!/script5\n", "script7": "#!/script6\n",
		"ouroboros": "#!/ouroboros\n",
	} {
		write(name, 0o755, []byte(data))
	}
	write("data", 0o666, static)
	write("group-only", 0o450, static)
	makeTree(t, root, map[string]string{
		"bin": "-> usr/bin", "sbin/init": "-> /script", "loop": "-> loop", "sbin/dangling": "-> ../lib/none", "dir/": "",
	})
	if err := syscall.Mkfifo(filepath.Join(root, "fifo"), 0o755); err != nil {
		t.Fatal(err)
	}

	const ok = ""
	for path, want := range map[string]string{
		"/bin/sh":        ok,
		"bin/sh":         ok,
		"/dynamic":       ok,
		"/junk-loader":   ok,
		"/script":        ok,
		"/spaces":        ok,
		"/bare":          ok,
		"/sbin/init":     ok,
		"/flat":          ok,
		"/script4":       ok,
		"/script7":       "program /script: too many levels of symbolic links",
		"/ouroboros":     "program /ouroboros: too many levels of symbolic links",
		"/missing":       "program /missing: no such file or directory",
		"/sbin/dangling": "program /sbin/dangling: no such file or directory",
		"/loop":          "program /loop: too many levels of symbolic links",
		"/dir":           "program /dir: is a directory",
		"/fifo":          "program /fifo: is not a regular file",
		"/data":          "program /data: is not executable (no x in its mode)",
		"/group-only":    ok, // root may
		"/empty":         "program /empty: is neither an ELF program nor a #! script",
		"/text":          "program /text: is neither an ELF program nor a #! script",
		"/nameless":      "program /nameless: is neither an ELF program nor a #! script",
		"/nobody":        "program /nobody: needs /bin/bash: no such file or directory",
		"/crlf":          "program /crlf: needs /bin/sh\\r: no such file or directory",
		"/no-loader":     "program /no-loader: needs /lib/ld-none.so: no such file or directory",
		"/bad-loader":    "program /empty: is neither an ELF program nor a #! script",
		"/truncated":     "program /truncated: is a truncated ELF program",
		"/no-table":      "program /no-table: is a truncated ELF program",
		"/no-interp":     "program /no-interp: is a truncated ELF program",
		"/many":          "program /many: is a truncated ELF program",
		"/machine":       "program /machine: is a program for another architecture",
		"/order":         "program /order: is a program for another architecture",
		"/class":         "program /class: is a program for another architecture",
		"/classless":     "program /classless: is a program for another architecture",
		"/object":        "program /object: is an ELF file but no program",
		"/core":          "program /core: is an ELF file but no program",
		"/headless":      "program /headless: is an ELF file but no program",
		"/sizes":         "program /sizes: is an ELF file but no program",
		"/large":         "program /large: is an ELF file but no program",
	} {
		got := ""
		if err := checkProgram(root, path); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

// The 32-bit programs of a 64-bit machine run as a rule, those of x32 among them.
func TestCompatPrograms(t *testing.T) {
	for _, machine := range map[string][]elf.Machine{
		"amd64": {elf.EM_386, elf.EM_486, elf.EM_X86_64}, "arm64": {elf.EM_ARM}, "mips64": {elf.EM_MIPS}, "s390x": {elf.EM_S390},
	}[runtime.GOARCH] {
		p := nativeProgram(t).with(func(p *program) { p.class, p.machine, p.interpreter = elf.ELFCLASS32, machine, "/lib/ld.so" })
		path := filepath.Join(t.TempDir(), "init")
		if err := os.WriteFile(path, p.bytes(), 0o755); err != nil {
			t.Fatal(err)
		}
		if got, err := checkImage(path); err != nil || got != p.interpreter {
			t.Errorf("%v on %s: got %q, %v, want %q", machine, runtime.GOARCH, got, err, p.interpreter)
		}
	}
}

// What really runs here is let through, with the loader that it really has.
func TestRealPrograms(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{self, testenv.Tool(t, "busybox"), testenv.Tool(t, "ls"), testenv.Tool(t, "go")} {
		want := ""
		f, err := elf.Open(path)
		if err != nil {
			t.Logf("%s: %v", path, err) // a script or a wrapper
			continue
		}
		if f.Machine != nativeProgram(t).machine {
			t.Logf("%s: %v", path, f.Machine) // the test is for another one
			continue
		}
		for _, p := range f.Progs {
			if p.Type == elf.PT_INTERP {
				name := make([]byte, p.Filesz-1)
				if _, err := p.ReadAt(name, 0); err != nil {
					t.Fatal(err)
				}
				want = string(name)
			}
		}
		f.Close()
		if got, err := checkImage(path); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", path, got, err, want)
		}
		if err := checkProgram("", path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestFindProgram(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"init", "rescue"} {
		if err := os.WriteFile(filepath.Join(root, name), nativeProgram(t).bytes(), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	makeTree(t, root, map[string]string{"text": "no program"})
	for _, c := range []struct {
		line, program string
		argv          []string
		said, refused string
	}{
		{"", "/init", []string{"/init", "--own", "1", "single"}, "", ""},
		{"init=/rescue", "/rescue", []string{"/rescue", "1", "single"}, "", ""},
		{"init=", "/init", []string{"/init", "--own", "1", "single"}, "", ""},
		{
			"init=/etc/preinit", "/init", []string{"/init", "--own", "1", "single"},
			"<4>mkinitfs: init=/etc/preinit ignored: program /etc/preinit: no such file or directory; starting /init\n", "",
		},
		{
			"init=/text", "/init", []string{"/init", "--own", "1", "single"},
			"<4>mkinitfs: init=/text ignored: program /text: is not executable (no x in its mode); starting /init\n", "",
		},
	} {
		fd, said := listen(t)
		b := &boot{
			plan:  &bootplan.Plan{Exec: "/init", Args: []string{"--own"}, User: &bootplan.User{UID: 1}, Groups: []uint32{1}, Workdir: "/srv"},
			words: parseCmdline(c.line), args: []string{"1", "single"}, newroot: root, kmsg: fd,
		}
		if err := b.findProgram(); err != nil {
			t.Errorf("%q: %v", c.line, err)
		}
		if rescue, p := c.program == "/rescue", b.plan; rescue != (p.User == nil && p.Groups == nil && p.Workdir == "") {
			t.Errorf("%q: got the user %v, groups %v, directory %q, want them unless init= is obeyed", c.line, p.User, p.Groups, p.Workdir)
		}
		if b.program != c.program {
			t.Errorf("%q: got %s, want %s", c.line, b.program, c.program)
		}
		if diff := cmp.Diff(c.argv, b.argv); diff != "" {
			t.Errorf("%q: -want +got\n%s", c.line, diff)
		}
		if diff := cmp.Diff(c.said, said()); diff != "" {
			t.Errorf("%q: -want +got\n%s", c.line, diff)
		}
	}

	b := &boot{plan: &bootplan.Plan{Exec: "/text"}, newroot: root, kmsg: -1}
	err := b.findProgram()
	if !errors.Is(err, errNotExec) {
		t.Errorf("got %v, want %v", err, errNotExec)
	}
	if h, ok := err.(*hinted); !ok || !strings.Contains(h.hint, "executable for this machine") {
		t.Errorf("got no hint with %v, want one", err)
	}
}
