package lint

import (
	"bytes"
	"debug/elf"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/arch"
)

// reads is a file that counts the bytes read from it.
type reads struct {
	*bytes.Reader
	path string
	to   map[string]int // bytes, by path
}

func (r reads) ReadAt(p []byte, offset int64) (int, error) {
	r.to[r.path] += len(p)
	return r.Reader.ReadAt(p, offset)
}

// TestForeignReads checks that only headers of programs, libraries and modules are read, once
// for all names of a file.
func TestForeignReads(t *testing.T) {
	content := append(elfFile("", ""), make([]byte, 1000)...)
	got := map[string]int{}
	entries := []*plan.Entry{}
	dir := func(path string) { entries = append(entries, &plan.Entry{Path: path, Mode: plan.TypeDir | 0o755}) }
	file := func(path string, mode uint32, size int64) *plan.Entry {
		e := &plan.Entry{
			Path: path, Mode: plan.TypeFile | mode, Size: size, Nlink: 1, Ino: uint32(len(entries)), Origin: "test.yaml:1:1",
			Data: plan.Data{At: reads{bytes.NewReader(content), path, got}},
		}
		entries = append(entries, e)
		return e
	}
	dir("/")
	dir("/bin")
	file("/bin/program", 0o111, 1000)
	file("/bin/readme", 0o644, 1000)
	file("/bin/script", 0o755, 20)
	dir("/lib")
	dir("/lib/firmware")
	file("/lib/firmware/blob", 0o755, 1000)
	file("/lib/libz.so.1", 0o644, 1000)
	dir("/lib/modules")
	file("/lib/modules/a.ko", 0o644, 1000)
	file("/lib/modules/a.ko.xz", 0o644, 1000)
	file("/lib/modules/modules.dep", 0o644, 1000)
	dir("/srv")
	first := file("/srv/data", 0o644, 1000)
	second := file("/lib/liby.so", 0o644, 1000) // of the same file
	first.Nlink, second.Nlink, second.Ino, second.Data = 2, 2, first.Ino, plan.Data{}

	f := newForeign("arm64", entries)
	f.Open(entries)
	const head = arch.HeaderSize
	want := map[string]int{"/bin/program": head, "/bin/script": 20, "/lib/libz.so.1": head, "/lib/modules/a.ko": head, "/srv/data": head}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bytes read (-want +got):\n%s", diff)
	}
	var found []string
	for _, path := range []string{"/bin/program", "/bin/script", "/lib/libz.so.1", "/lib/modules/a.ko", "/lib/liby.so"} {
		if s, ok := f.found[path]; ok && s.machine == "amd64" {
			found = append(found, path)
		}
	}
	if len(found) != 5 || len(f.found) != 5 {
		t.Errorf("got %q, want 5 files for amd64", f.found)
	}
}

// TestForeignTypes checks that object files are ignored unless they are modules, which only the
// kernel loads.
func TestForeignTypes(t *testing.T) {
	header := func(kind elf.Type, machine elf.Machine) []byte {
		head := elfFile("", "")
		head[16], head[18] = byte(kind), byte(machine)
		return head
	}
	for _, c := range []struct {
		name string
		head []byte
		want bool
	}{
		{"/bin/x", header(elf.ET_EXEC, elf.EM_AARCH64), true},
		{"/bin/x", header(elf.ET_EXEC, elf.EM_X86_64), false},
		{"/bin/x", header(elf.ET_DYN, elf.EM_AARCH64), true},
		{"/bin/x", header(elf.ET_REL, elf.EM_AARCH64), false},
		{"/bin/x", header(elf.ET_CORE, elf.EM_AARCH64), false},
		{"/bin/x", header(elf.ET_NONE, elf.EM_AARCH64), false},
		{"/bin/x.ko", header(elf.ET_REL, elf.EM_AARCH64), true},
		{"/bin/x.ko", header(elf.ET_REL, elf.EM_X86_64), false},
		{"/bin/x", header(elf.ET_EXEC, elf.EM_AARCH64)[:19], false},
	} {
		f := Foreign{arch: "amd64", found: map[string]stranger{}}
		f.Look(&plan.Entry{Path: c.name, Mode: plan.TypeFile | 0o755, Size: 1000, Nlink: 1}, c.head)
		if got := len(f.found) > 0; got != c.want {
			t.Errorf("%s, %q: got %v, want %v", c.name, c.head[:min(20, len(c.head))], got, c.want)
		}
	}
}
