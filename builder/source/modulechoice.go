package source

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/kmod"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// match returns the modules that a pattern of the manifest means. known is false if it means
// none, not even one that is built into the kernel.
func (t *moduleTree) match(ctx context.Context, pattern string) (found []*moduleFile, known bool, err error) {
	switch {
	case strings.Contains(pattern, ":"):
		return t.matchAlias(ctx, pattern)
	case strings.Contains(pattern, "/"):
		for _, m := range t.files {
			if matchPath(pattern, m.Path) {
				found = append(found, m)
			}
		}
		return found, found != nil, nil
	}
	name := kmod.Normalize(pattern)
	for _, m := range t.files {
		if doublestar.MatchUnvalidated(name, m.Name) {
			found = append(found, m)
		}
	}
	known = found != nil
	for _, b := range t.builtin {
		known = known || doublestar.MatchUnvalidated(name, b.Name)
	}
	if known {
		return found, true, nil
	}
	return t.matchAlias(ctx, pattern)
}

// matchPath reports whether a pattern matches a path below the modules' directory, or below its
// directory kernel. A pattern may leave out the suffix of a codec.
func matchPath(pattern, name string) bool {
	for _, path := range []string{name, kmod.Plain(name)} {
		if doublestar.MatchUnvalidated(pattern, path) {
			return true
		}
		if below, ok := strings.CutPrefix(path, "kernel/"); ok && doublestar.MatchUnvalidated(pattern, below) {
			return true
		}
	}
	return false
}

// matchAlias returns the modules with a matching alias. A text without special characters is the
// name of a device or of something else that the kernel asks modprobe for, and the aliases are
// patterns for it. A pattern is matched against the aliases as texts.
func (t *moduleTree) matchAlias(ctx context.Context, pattern string) (found []*moduleFile, known bool, err error) {
	if err := t.scan(ctx); err != nil {
		return nil, false, err
	}
	matches := func(alias string) bool {
		if kmod.IsPattern(pattern) {
			return kmod.MatchAlias(pattern, alias)
		}
		return kmod.MatchAlias(alias, pattern)
	}
	for _, m := range t.files {
		if slices.ContainsFunc(m.Aliases, matches) {
			found = append(found, m)
		}
	}
	known = found != nil
	for _, b := range t.builtin {
		known = known || slices.ContainsFunc(b.Aliases, matches)
	}
	return found, known, nil
}

// unmatched returns the error for a pattern that matches no module.
func (t *moduleTree) unmatched(g manifests.Glob) *plan.Error {
	e := Glob(g).Unmatched()
	e.Msg = "no such module in " + t.dir
	if kmod.IsPattern(g.Pattern) || strings.ContainsAny(g.Pattern, "/:") {
		e.Msg = "matches no module in " + t.dir
	}
	if near := t.near(g.Pattern); len(near) > 0 {
		e.Msg += fmt.Sprintf(" (did you mean %s?)", strings.Join(near, " or "))
	}
	return e
}

// near returns up to three texts that resemble a pattern, quoted.
func (t *moduleTree) near(pattern string) []string {
	fixed := pattern
	if i := strings.IndexAny(fixed, "*?[{"); i >= 0 {
		fixed = fixed[:i]
	}
	var known []string
	switch {
	case strings.Contains(pattern, ":"):
		for _, m := range t.files {
			for _, alias := range m.Aliases {
				if len(alias) > len(fixed) && len(fixed) < len(pattern) {
					alias = alias[:len(fixed)] + "*"
				}
				known = append(known, alias)
			}
		}
	case strings.Contains(pattern, "/"):
		fixed = strings.TrimPrefix(strings.TrimSuffix(fixed, "/"), "kernel/")
		known = t.paths()
	default:
		for _, m := range t.files {
			known = append(known, m.Name)
		}
		for _, b := range t.builtin {
			known = append(known, b.Name)
		}
		fixed = kmod.Normalize(fixed)
	}
	slices.Sort(known)
	known = slices.Compact(known)
	var near []string
	for len(near) < 3 {
		n := manifests.Nearest(fixed, known)
		if n == "" {
			break
		}
		near = append(near, fmt.Sprintf("%q", n))
		known = slices.DeleteFunc(known, func(k string) bool { return k == n })
	}
	return near
}

// paths returns a pattern for each directory with modules, and the path of each module.
func (t *moduleTree) paths() []string {
	var all []string
	for _, m := range t.files {
		name := strings.TrimPrefix(m.Path, "kernel/")
		all = append(all, name)
		for i := range name {
			if name[i] == '/' {
				all = append(all, name[:i]+"/**")
			}
		}
	}
	return all
}

// need returns start and all modules that they depend on. It reads these modules. A dependency
// that is not there is an error; for a soft dependency it is a warning, because modprobe goes on
// without it, too.
func (t *moduleTree) need(ctx context.Context, start []*moduleFile) (map[*moduleFile]bool, error) {
	chosen := map[*moduleFile]bool{}
	var problems plan.Errors
	for todo := start; len(todo) > 0; {
		todo = slices.DeleteFunc(slices.Clone(todo), func(m *moduleFile) bool { return chosen[m] })
		if err := t.readWhole(ctx, todo); err != nil {
			return nil, err
		}
		var next []*moduleFile
		for _, m := range todo {
			chosen[m] = true
			for _, name := range m.Depends {
				if dep := t.names[name]; dep != nil {
					next = append(next, dep)
				} else if !t.inKernel[name] {
					problems = append(problems, t.fail(m.host, fmt.Errorf("depends on %s, which is neither in %s nor built in", name, t.dir), ""))
				}
			}
			soft, err := t.softdeps(ctx, m)
			if err != nil {
				return nil, err
			}
			next = append(next, soft...)
		}
		todo = next
	}
	return chosen, problems.Sorted()
}

// softdeps returns the soft dependencies of a module.
func (t *moduleTree) softdeps(ctx context.Context, m *moduleFile) ([]*moduleFile, error) {
	var all []*moduleFile
	pre, post := m.Soft()
	for _, name := range slices.Concat(pre, post) {
		found, known, err := t.named(ctx, name)
		if err != nil {
			return nil, err
		}
		if !known {
			t.lacking[name] = struct{}{}
		}
		all = append(all, found...)
	}
	return all, nil
}

// named returns the modules that modprobe would load for a name.
func (t *moduleTree) named(ctx context.Context, name string) (found []*moduleFile, known bool, err error) {
	if m := t.names[kmod.Normalize(name)]; m != nil {
		return []*moduleFile{m}, true, nil
	}
	if t.inKernel[kmod.Normalize(name)] {
		return nil, true, nil
	}
	return t.matchAlias(ctx, name)
}

func (t *moduleTree) tellLacking() {
	if len(t.lacking) == 0 {
		return
	}
	var names []string
	for name := range t.lacking {
		names = append(names, name)
	}
	slices.Sort(names)
	t.warn("%s: modules would like to load others that are not there: %s", t.dir, strings.Join(names, ", "))
}

// loaded returns the modules that the stub loads.
func (t *moduleTree) loaded() []*moduleFile {
	var found []*moduleFile
	for _, module := range t.Load {
		if m := t.names[module.Name]; m != nil {
			found = append(found, m)
		}
	}
	return found
}

// scan reads the metadata of all modules, because any of them may have an alias.
func (t *moduleTree) scan(ctx context.Context) error {
	if t.scanned {
		return nil
	}
	t.scanned = true
	return readModules(ctx, &t.job, t.files, readInfo)
}

// readWhole reads the metadata and the symbols of some modules.
func (t *moduleTree) readWhole(ctx context.Context, files []*moduleFile) error {
	return readModules(ctx, &t.job, files, func(m *moduleFile, r io.ReaderAt) (err error) {
		if m.whole {
			return nil
		}
		if err = readInfo(m, r); err == nil {
			m.Symbols, err = kmod.ReadSymbols(r)
		}
		m.whole = err == nil
		return err
	})
}
