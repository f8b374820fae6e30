package source

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/elfdeps"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// itemLibraries is the work on the libraries of one item.
type itemLibraries struct {
	all      *libraries
	libs     *manifests.Libs
	job      job
	sysroot  *sysroot
	landing  *landing
	resolver *elfdeps.Resolver
	told     map[string]bool
}

// first reports whether a message is new. All programs of an item have most
// of their libraries in common.
func (i *itemLibraries) first(what string) bool {
	again := i.told[what]
	i.told[what] = true
	return !again
}

// program adds the libraries of a file. It reports whether the file can have any.
func (i *itemLibraries) program(e *plan.Entry) bool {
	found, err := i.resolver.Libraries(e.Path, nil)
	switch {
	case errors.Is(err, elfdeps.ErrNotELF):
		return false
	case err != nil:
		i.all.fail(i.libs.Pos, "", "libs: read %s: %w", shown(e.Path), err)
	case len(found.Missing) > 0 && found.Missing[0].Name == found.Loader: // nobody knows where it looks
		i.report(i.libs.Pos, e.Path, found.Missing[0])
	case len(found.Missing) > 0:
		for _, m := range found.Missing {
			i.report(i.libs.Pos, e.Path, m)
		}
	default:
		i.addAll(e, found)
	}
	return true
}

// later adds a library that the programs load while they run. One of them has to find it.
func (i *itemLibraries) later(programs []*plan.Entry, also manifests.LibName) {
	var first *elfdeps.Closure
	for _, e := range programs {
		found, err := i.resolver.Libraries(e.Path, []string{also.Name})
		if err != nil {
			continue
		}
		if len(found.Missing) == 0 {
			i.addAll(e, found)
			return
		}
		first = cmp.Or(first, found)
	}
	if first == nil {
		i.all.fail(also.Pos, "", "also %s: there is no program that could load it", shown(also.Name))
		return
	}
	for _, m := range first.Missing {
		i.report(also.Pos, programs[0].Path, m)
	}
}

// addAll adds the libraries of a program that the root lacks.
func (i *itemLibraries) addAll(e *plan.Entry, found *elfdeps.Closure) {
	if found.Guessed && i.first("loader "+found.Loader) {
		which := "its loader, " + shown(found.Loader) + ", has no list of directories"
		if found.Loader == "" {
			which = "it names no loader, and there is none for its machine"
		}
		i.job.warn("%s: %s: libraries are searched in %s", shown(e.Path), which, strings.Join(found.Dirs, ", "))
	}
	if found.Config != "" {
		i.bring(e.Path, found.Config)
	}
	for _, lib := range found.Libraries {
		if lib.Root > 0 {
			i.bring(e.Path, lib.Path)
		}
		if lib.Config != "" {
			i.uncached(lib, found.Dirs)
		}
	}
}

// bring puts a file of the sysroot into the root.
func (i *itemLibraries) bring(program, name string) {
	if err := i.landing.land(i.sysroot, name); err != nil {
		i.all.fail(i.libs.Pos, "", "%s needs %s: %w", shown(program), shown(i.sysroot.host(name)), err)
	}
}

// uncached makes sure that the loader finds a library that is in none of its directories.
func (i *itemLibraries) uncached(lib elfdeps.Library, dirs []string) {
	if plan.Find(i.all.root.entries, lib.Config) != nil {
		if i.first("cache " + lib.Name) {
			i.job.warn("%s in the root lacks %s, so the loader does not find it in %s\n  run ldconfig -r for the source of the root, or leave out its %s: then mkinitfs writes one",
				lib.Config, shown(lib.Name), shown(path.Dir(lib.Path)), lib.Config)
		}
		return
	}
	if i.all.cache == nil {
		i.all.cacheFor = i.job
	}
	i.all.cached = append(i.all.cached, path.Clean(lib.Path))
	for _, dir := range slices.Concat(i.resolver.Configured(), []string{path.Dir(lib.Path)}, dirs) {
		if !slices.Contains(i.all.cache, dir) {
			i.all.cache = append(i.all.cache, dir)
		}
	}
}

// report reports a missing library, once for all programs of the item.
func (i *itemLibraries) report(pos manifests.Pos, program string, m elfdeps.Missing) {
	if !i.first("missing " + m.Name) {
		return
	}
	why := "searched " + strings.Join(m.Searched, ", ")
	hint := fmt.Sprintf("unpack the package with %s into %s", shown(path.Base(m.Name)), i.sysroot.dir)
	if len(m.Unfit) > 0 {
		where := i.sysroot.host(m.Unfit[0].Path)
		if m.Unfit[0].Root == 0 {
			where = m.Unfit[0].Path + " in the root"
		}
		why, hint = shown(where)+" "+m.Why[0], "put a library there that the program can load"
	}
	if m.By != program {
		hint = fmt.Sprintf("%s asks for it: %s", shown(m.By), hint)
	}
	i.all.fail(pos, hint, "%s needs %s, not in %s: %s", shown(program), shown(m.Name), i.sysroot.dir, why)
}
