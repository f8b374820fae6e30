package kmod

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Directory is the directory of one kernel, /lib/modules/VERSION.
type Directory struct {
	Modules []*Module // in the order of modules.order, which decides between modules with one alias
	Builtin []Builtin
}

// File is a file that depmod writes.
type File struct {
	Name    string
	Content []byte
}

// Files returns the files that depmod writes for the directory, and modules.order, from which
// depmod would make the same files again. A circle of dependencies is an error, and so is a name
// that the files cannot hold.
func (d *Directory) Files() ([]File, error) {
	for _, m := range d.Modules {
		if strings.ContainsFunc(m.Path, func(c rune) bool { return c <= ' ' || c == ':' || c == 0x7f }) {
			return nil, fmt.Errorf("%q: modules.dep cannot hold this name: want no blanks, colons and control characters", m.Path)
		}
	}
	deps, err := d.dependencies()
	if err != nil {
		return nil, err
	}
	var f files
	f.add("modules.order", d.order())
	f.lines("modules.dep", "", deps.text())
	f.index("modules.dep.bin", deps.records())
	f.lines("modules.alias", "# Aliases extracted from modules themselves.\n", d.values("alias", func(m *Module) []string { return m.Aliases }))
	f.index("modules.alias.bin", d.aliases())
	f.lines("modules.softdep", "# Soft dependencies extracted from modules themselves.\n", d.values("softdep", func(m *Module) []string { return m.Softdeps }))
	if weak := d.values("weakdep", func(m *Module) []string { return m.Weakdeps }); len(weak) > 0 {
		f.lines("modules.weakdep", "# Weak dependencies extracted from modules themselves.\n", weak)
	}
	symbols := d.symbols()
	f.lines("modules.symbols", "# Aliases for symbols, used by symbol_request().\n", symbolLines(symbols))
	f.index("modules.symbols.bin", symbols)
	f.index("modules.builtin.bin", d.builtin())
	f.index("modules.builtin.alias.bin", d.builtinAliases())
	f.add("modules.devname", strings.Join(d.devnames(), ""))
	return f.all, f.err
}

// files collects files up to the first error.
type files struct {
	all []File
	err error
}

func (f *files) add(name, content string) { f.all = append(f.all, File{name, []byte(content)}) }

func (f *files) lines(name, head string, lines []string) {
	f.add(name, head+strings.Join(lines, ""))
}

func (f *files) index(name string, records []record) {
	content, err := index(records)
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("%s: %w", name, err)
	}
	f.all = append(f.all, File{name, content})
}

func (d *Directory) order() string {
	var b strings.Builder
	for _, m := range d.Modules {
		b.WriteString(Plain(m.Path) + "\n")
	}
	return b.String()
}

// values returns a line for each value of each module. An alias comes in front of the module's
// name, any other value behind it.
func (d *Directory) values(word string, of func(*Module) []string) []string {
	var lines []string
	for _, m := range d.Modules {
		for _, value := range of(m) {
			first, second := m.Name, value
			if word == "alias" {
				first, second = value, m.Name
			}
			lines = append(lines, word+" "+first+" "+second+"\n")
		}
	}
	return lines
}

func (d *Directory) aliases() []record {
	var records []record
	for i, m := range d.Modules {
		records = appendAliases(records, m.Aliases, m.Name, i)
	}
	return records
}

func (d *Directory) builtinAliases() []record {
	var records []record
	for _, b := range d.Builtin {
		records = appendAliases(records, b.Aliases, b.Name, 0)
	}
	return records
}

// appendAliases leaves out aliases that are no patterns, as depmod does.
func appendAliases(records []record, aliases []string, name string, priority int) []record {
	for _, alias := range aliases {
		if key, err := normalizeAlias(alias); err == nil {
			records = append(records, record{key, name, uint32(priority)})
		}
	}
	return records
}

func (d *Directory) builtin() []record {
	var records []record
	for _, b := range d.Builtin {
		if b.Listed {
			records = append(records, record{b.Name, "", 0})
		}
	}
	return records
}

// symbols returns the exports of all modules. Of two modules with the same export the later one
// counts.
func (d *Directory) symbols() []record {
	owners := d.owners()
	var records []record
	for i, m := range d.Modules {
		for _, name := range m.Exports {
			if owners[name] == i {
				records = append(records, record{"symbol:" + name, m.Name, uint32(i)})
			}
		}
	}
	return records
}

func symbolLines(symbols []record) []string {
	var lines []string
	for _, r := range symbols {
		lines = append(lines, "alias "+r.key+" "+r.value+"\n")
	}
	return lines
}

// devnames returns a line for each module that serves a device node of a fixed number.
func (d *Directory) devnames() []string {
	var lines []string
	for _, m := range d.Modules {
		name, number := "", ""
		for _, alias := range m.Aliases {
			if text, ok := strings.CutPrefix(alias, "devname:"); ok {
				name = text
			} else if n := device(alias); n != "" {
				number = n
			}
			if name != "" && number != "" {
				lines = append(lines, m.Name+" "+name+" "+number+"\n")
				break
			}
		}
	}
	if lines != nil {
		lines = slices.Insert(lines, 0, "# Device nodes to trigger on-demand module loading.\n")
	}
	return lines
}

// device returns the number in an alias like char-major-10-200, as "c10:200", or "".
func device(alias string) string {
	for prefix, kind := range map[string]string{"char-major-": "c", "block-major-": "b"} {
		numbers, ok := strings.CutPrefix(alias, prefix)
		major, minor, both := strings.Cut(numbers, "-")
		if ok && both && isNumber(major) && isNumber(minor) {
			return kind + major + ":" + minor
		}
	}
	return ""
}

func isNumber(text string) bool {
	_, err := strconv.ParseUint(text, 10, 32)
	return err == nil
}
