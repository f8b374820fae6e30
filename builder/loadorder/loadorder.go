// Package loadorder finds the kernel modules that the stub loads in a finished plan, with all that
// they need, and puts them in order.
package loadorder

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/kmod"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// hintAdd says how a module gets into the root.
const hintAdd = "add it to the modules of an item of type modules"

// Find returns the modules in the order in which they are loaded: each after its dependencies and
// between its soft dependencies, as modprobe does it. What is built into the kernel is left out.
// read returns the content of a file of the root. An error is of type [plan.Errors].
func Find(entries []*plan.Entry, read func(path string) ([]byte, error), wanted []manifests.InitModule) ([]bootplan.Module, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	f := &finder{entries: entries, read: read, names: map[string]*module{}, builtin: map[string]bool{}}
	if err := f.list(); err != nil {
		return nil, plan.Errors{{Origin: wanted[0].Pos.String(), Path: "init.modules", Msg: err.Error(), Cause: err}}
	}
	var problems plan.Errors
	for _, w := range wanted {
		var err error
		if m := f.names[w.Name]; m != nil {
			err = f.visit(m, w.Required)
		} else if !f.builtin[w.Name] {
			err = f.unknown(w.Name)
		}
		if err != nil {
			e := &plan.Error{Origin: w.Pos.String(), Path: w.Name, Msg: err.Error(), Cause: err}
			if h := (*hinted)(nil); errors.As(err, &h) {
				e.Hint = h.hint
			}
			problems = append(problems, e)
		}
	}
	return f.order(), problems.Sorted()
}

// hinted is an error with advice.
type hinted struct {
	error
	hint string
}

// module is a module of the root.
type module struct {
	entry    *plan.Entry
	info     *kmod.Info // nil until it is read
	state    state
	required bool
}

func (m *module) packed() bool { return kmod.Plain(m.entry.Path) != m.entry.Path }

type state int

const (
	untouched state = iota
	visiting
	done
)

type finder struct {
	entries []*plan.Entry
	read    func(path string) ([]byte, error)
	names   map[string]*module
	builtin map[string]bool
	loaded  []*module // in order
}

// list finds the modules of the root, which must be those of one kernel.
func (f *finder) list() error {
	top := plan.Find(f.entries, "/lib/modules")
	if top == nil {
		return errors.New("the root has no /lib/modules")
	}
	var dirs []string
	for _, e := range f.entries {
		dir, ok := f.versionDir(top.Path, e)
		if !ok {
			continue
		}
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
		switch name := kmod.NameOf(e.Path); {
		case path.Base(e.Path) == "modules.builtin":
			if err := f.readBuiltin(e.Path); err != nil {
				return err
			}
		case name != "" && (f.names[name] == nil || strings.HasPrefix(e.Path, dir+"/updates/")):
			f.names[name] = &module{entry: e}
		}
	}
	if len(dirs) > 1 {
		return fmt.Errorf("the root has modules of several kernels: %s", strings.Join(dirs, ", "))
	}
	return nil
}

// sorted returns the names of all modules of the root.
func (f *finder) sorted() []string { return slices.Sorted(maps.Keys(f.names)) }

// versionDir returns the directory of a kernel's modules that has the regular file e in it.
func (f *finder) versionDir(top string, e *plan.Entry) (string, bool) {
	below, ok := strings.CutPrefix(e.Path, top+"/")
	version, rest, inside := strings.Cut(below, "/")
	if !ok || !inside || !e.IsFile() || kmod.NameOf(rest) == "" && rest != "modules.builtin" {
		return "", false
	}
	return top + "/" + version, true
}

func (f *finder) readBuiltin(list string) error {
	text, err := f.read(list)
	for _, b := range kmod.ParseBuiltin(text, nil) {
		f.builtin[b.Name] = true
	}
	return err
}

// unknown returns the error for a name that is no module of the root.
func (f *finder) unknown(name string) error {
	msg := "the root has no such module"
	if near := manifests.Nearest(name, f.sorted()); near != "" {
		msg += fmt.Sprintf(" (did you mean %q?)", near)
	}
	return &hinted{errors.New(msg), hintAdd}
}

// visit puts a module behind the modules that it needs.
func (f *finder) visit(m *module, required bool) error {
	known := m.required || !required
	m.required = m.required || required
	if m.state == visiting || m.state == done && known {
		return nil // a circle of soft dependencies, or loaded already
	}
	again := m.state == done
	m.state = visiting
	defer func() { m.state = done }()
	if err := f.readInfo(m); err != nil {
		return err
	}
	pre, post := m.info.Soft()
	if err := f.visitSoft(m, pre); err != nil {
		return err
	}
	for _, name := range m.info.Depends {
		dep := f.names[name]
		switch {
		case dep != nil:
			if err := f.visit(dep, required); err != nil {
				return err
			}
		case !f.builtin[name]:
			return &hinted{fmt.Errorf("%s depends on %s, which is neither in the root nor built in", m.entry.Path, name), hintAdd}
		}
	}
	if !again {
		f.loaded = append(f.loaded, m)
	}
	return f.visitSoft(m, post)
}

// visitSoft loads the soft dependencies that the root has. None of them is required.
func (f *finder) visitSoft(m *module, names []string) error {
	for _, name := range names {
		for _, dep := range f.named(name) {
			if err := f.visit(dep, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// named returns the modules that modprobe would load for a name or an alias. Compressed modules
// are none of them: with type: modules, each module that the stub loads is plain. A file that is
// no module has no alias.
func (f *finder) named(name string) []*module {
	if m := f.names[kmod.Normalize(name)]; m != nil {
		return []*module{m}
	}
	if f.builtin[kmod.Normalize(name)] {
		return nil
	}
	var found []*module
	for _, other := range f.sorted() {
		m := f.names[other]
		if m.packed() || f.readInfo(m) != nil {
			continue
		}
		if slices.ContainsFunc(m.info.Aliases, func(alias string) bool { return kmod.MatchAlias(alias, name) }) {
			found = append(found, m)
		}
	}
	return found
}

// readInfo reads the metadata of a module. The stub cannot decompress a module.
func (f *finder) readInfo(m *module) error {
	if m.info != nil {
		return nil
	}
	if m.packed() {
		return &hinted{fmt.Errorf("%s, from %s, is compressed, and the stub loads plain modules only", m.entry.Path, m.entry.Origin),
			"take it with type: modules, which stores it unpacked"}
	}
	content, err := f.read(m.entry.Path)
	if err == nil {
		m.info, err = kmod.ReadInfo(bytes.NewReader(content))
	}
	if err != nil {
		return fmt.Errorf("%s, from %s: %w", m.entry.Path, m.entry.Origin, err)
	}
	return nil
}

func (f *finder) order() []bootplan.Module {
	var modules []bootplan.Module
	for _, m := range f.loaded {
		modules = append(modules, bootplan.Module{Path: m.entry.Path, Required: m.required})
	}
	return modules
}
