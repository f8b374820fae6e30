package kmod

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestDepmod compares the files with those that depmod makes of the 4,000 modules of Debian's
// kernel.
func TestDepmod(t *testing.T) {
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	depmod := testenv.Tool(t, "depmod")
	source := testenv.KernelModules(t)
	base := t.TempDir()
	dir := filepath.Join(base, "lib/modules", filepath.Base(source))
	for _, name := range []string{"kernel", "modules.builtin", "modules.builtin.modinfo"} {
		symlink(t, filepath.Join(source, name), filepath.Join(dir, name))
	}
	files, err := read(t, source).Files()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "modules.order"), files[0].Content, 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(depmod, "-b", base, filepath.Base(source)).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("depmod: %v\n%s", err, out)
	}
	for _, f := range files {
		want, err := os.ReadFile(filepath.Join(dir, f.Name))
		if err != nil {
			t.Error(err)
		}
		compare(t, f.Name, f.Content, want)
	}
}

// compare compares a file with depmod's, byte for byte where depmod's order is not by chance and
// of all versions.
func compare(t *testing.T, name string, got, want []byte) {
	t.Helper()
	show := func(content []byte) string { return string(content) }
	switch {
	case bytes.Equal(got, want):
		return
	case strings.HasSuffix(name, ".bin"): // newer versions write other nodes first
		show = func(content []byte) string { return dump(t, content) }
		if len(got) != len(want) {
			t.Errorf("%s: %d bytes, want %d", name, len(got), len(want))
		}
	case name == "modules.symbols": // in the order of a hash table
		show = func(content []byte) string {
			lines := slices.Sorted(strings.Lines(string(content)))
			return strings.Join(lines, "")
		}
	}
	if diff := cmp.Diff(show(want), show(got)); diff != "" {
		t.Errorf("%s (-depmod +ours):\n%s", name, diff)
	}
}

func symlink(t *testing.T, target, name string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(name), 0o777)
	if err == nil {
		err = os.Symlink(target, name)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// read reads the modules of a kernel, in the order of modules.order.
func read(t *testing.T, dir string) *Directory {
	t.Helper()
	text := func(name string) []byte {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	d := &Directory{Builtin: ParseBuiltin(text("modules.builtin"), text("modules.builtin.modinfo"))}
	for line := range strings.Lines(string(text("modules.order"))) {
		d.Modules = append(d.Modules, module(t, dir, strings.TrimSpace(line)))
	}
	return d
}

func module(t *testing.T, dir, name string) *Module {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := ReadInfo(f)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	symbols, err := ReadSymbols(f)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return &Module{Name: NameOf(name), Path: name, Info: info, Symbols: symbols}
}

// dump returns the values in an index, one a line.
func dump(t *testing.T, content []byte) string {
	t.Helper()
	var out strings.Builder
	number := func(at int) uint32 { return binary.BigEndian.Uint32(content[at:]) }
	var visit func(pointer uint32, key string)
	visit = func(pointer uint32, key string) {
		at := int(pointer & 0x0fffffff)
		text := func() string {
			s, _, _ := strings.Cut(string(content[at:]), "\x00")
			at += len(s) + 1
			return s
		}
		if pointer&hasPrefix != 0 {
			key += text()
		}
		if pointer&hasChildren != 0 {
			first, last := int(content[at]), int(content[at+1])
			for c := first; c <= last; c++ {
				if child := number(at + 2 + 4*(c-first)); child != 0 {
					visit(child, key+string(rune(c)))
				}
			}
			at += 2 + 4*(last-first+1)
		}
		if pointer&hasValues != 0 {
			n := int(number(at))
			at += 4
			for range n {
				priority := number(at)
				at += 4
				fmt.Fprintf(&out, "%s %d %s\n", key, priority, text())
			}
		}
	}
	visit(number(8), "")
	return out.String()
}
