package manifests

import (
	"errors"
	"slices"
	"strings"
)

// InitModule is a kernel module that the stub loads.
type InitModule struct {
	Pos      Pos
	Name     string // with _ for -, as in lsmod
	Required bool   // the boot fails without it
}

var initModuleSection = Section{Path: "init.modules", Keys: []Key{
	{Name: "name", Kind: KindName, Required: true, Doc: "The name of the module."},
	{Name: "required", Kind: KindBool, Default: "false", Doc: "Whether the boot fails, as `on_error` says, if the module cannot be loaded."},
}}

// readInitModules decodes a list of names and of {name, required}.
func readInitModules(init *object) []InitModule {
	var modules []InitModule
	for _, n := range init.list("modules") {
		m := InitModule{Pos: n.pos}
		ok := false
		if n.kind == mapping {
			o := init.object(n, "modules", &initModuleSection)
			o.require("a module")
			ok = set(o, "name", &m.Name, parseModuleName)
			set(o, "required", &m.Required, parseBool)
		} else {
			m.Name, ok = parse(init.decoder, n, "modules", parseModuleName)
		}
		same := slices.IndexFunc(modules, func(other InitModule) bool { return other.Name == m.Name })
		switch {
		case !ok:
		case same >= 0:
			init.errorf(m.Pos, "modules: %s is at %s already", m.Name, modules[same].Pos)
		default:
			modules = append(modules, m)
		}
	}
	return modules
}

// parseModuleName reads the name of a module. The kernel has _ where a file may have -.
func parseModuleName(text string) (string, error) {
	for _, c := range text {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && c != '_' && c != '-' {
			return "", errors.New("want the name of a module, as in virtio_net")
		}
	}
	name, err := parseWord(text)
	return strings.ReplaceAll(name, "-", "_"), err
}
