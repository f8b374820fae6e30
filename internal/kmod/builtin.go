package kmod

import "strings"

// Builtin is a module that is part of the kernel itself.
type Builtin struct {
	Name    string
	Listed  bool // in modules.builtin; modprobe knows no other
	Aliases []string
}

// ParseBuiltin returns the modules in modules.builtin and in modules.builtin.modinfo, which has
// their aliases, in the order of the files. Kernels before 5.2 have no modules.builtin.modinfo.
func ParseBuiltin(list, modinfo []byte) []Builtin {
	var all []Builtin
	at := map[string]int{}
	named := func(name string) *Builtin {
		i, known := at[name]
		if !known {
			i = len(all)
			at[name] = i
			all = append(all, Builtin{Name: name})
		}
		return &all[i]
	}
	for line := range strings.Lines(string(list)) {
		if name := NameOf(strings.TrimSpace(line)); name != "" {
			named(name).Listed = true
		}
	}
	for line := range strings.SplitSeq(string(modinfo), "\x00") {
		name, rest, _ := strings.Cut(line, ".")
		if alias, ok := strings.CutPrefix(rest, "alias="); ok && name != "" {
			b := named(Normalize(name))
			b.Aliases = append(b.Aliases, alias)
		}
	}
	return all
}
