package source

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/elfdeps"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// root is a root as it is planned without the libraries of its programs.
type root struct {
	entries []*plan.Entry
	elfdeps.Root
}

// AddLibraries adds the libraries that items ask for and the root lacks to the entries of all
// items. Only a plan shows what the root has. A root that cannot be planned gets none: the same
// faults show when it is planned for good. tree makes a root of a plan. The error is of type
// [manifests.Errors], or that of ctx.
func AddLibraries(ctx context.Context, env *Env, m *manifests.Manifest, entries []*plan.Entry, o plan.Options, tree func([]*plan.Entry) elfdeps.Root) ([]*plan.Entry, error) {
	if !slices.ContainsFunc(m.Contents, wantsLibraries) {
		return entries, nil
	}
	planned, err := plan.Trial(entries, o)
	if err != nil {
		return entries, nil
	}
	w := &libraries{env: env, root: root{planned, tree(planned)}, added: map[string]*plan.Entry{}}
	for _, c := range m.Contents {
		if wantsLibraries(c) {
			w.item(c, c.Common().Libs, cmp.Or(c.Common().Libs.Sysroot, m.Sysroot))
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	if len(w.problems) > 0 {
		return nil, w.problems
	}
	entries = append(entries, w.entries...)
	if w.cache == nil {
		return entries, nil
	}
	if planned, err = plan.Trial(entries, o); err != nil {
		return entries, nil
	}
	text := elfdeps.Cache(tree(planned), w.cache)
	e := w.cacheFor.entry(elfdeps.CachePath, plan.TypeFile|0o644)
	e.Size, e.MTime, e.Brought = int64(len(text)), env.Clock.Epoch, true
	e.Data.At = bytes.NewReader(text)
	return append(entries, e), nil
}

func wantsLibraries(c manifests.Content) bool { return c.Common().Libs != nil }

// libraries is the work on all items.
type libraries struct {
	env      *Env
	root     root
	added    map[string]*plan.Entry // by path
	entries  []*plan.Entry
	cache    []string // directories for a cache of glibc's loader; nil if it needs none
	cacheFor job      // the item that it is for
	problems manifests.Errors
}

// itemLibraries is the work on one item.
type itemLibraries struct {
	*libraries
	landing
	*manifests.Libs
	sysroot  *sysroot
	resolver *elfdeps.Resolver
	missing  map[string]bool // libraries that have been reported
}

func (w *libraries) item(c manifests.Content, l *manifests.Libs, dir string) {
	j := w.env.job(c.Common())
	j.origin = l.Pos.String()
	s, err := newSysroot(dir, &j)
	if err != nil {
		w.fail(l.Pos, "", "sysroot %s: %w", dir, err)
		return
	}
	i := &itemLibraries{
		libraries: w, Libs: l, sysroot: s, resolver: elfdeps.New(w.root, s), missing: map[string]bool{},
		landing: landing{job: j, planned: w.root.entries, added: w.added},
	}
	files, named := i.files(c)
	var programs []*plan.Entry
	for _, e := range files {
		if i.program(e) {
			programs = append(programs, e)
		}
	}
	for _, also := range i.Also {
		i.later(programs, also)
	}
	if len(programs) == 0 && len(files) > 0 && !named {
		w.fail(l.Pos, "", "libs does nothing here: %s: %w", shown(files[0].Path), elfdeps.ErrNotELF)
	}
	w.entries = append(w.entries, i.landing.entries...)
}

func (w *libraries) fail(pos manifests.Pos, hint, format string, args ...any) {
	w.problems = append(w.problems, &manifests.Error{Pos: pos, Msg: fmt.Errorf(format, args...).Error(), Hint: hint})
}

// files returns the files whose libraries the item asks for. named means that it names them.
func (i *itemLibraries) files(c manifests.Content) (files []*plan.Entry, named bool) {
	if i.For == nil {
		origin := c.Common().Pos.String()
		for _, e := range i.root.entries {
			if e.Origin == origin && !e.IsDir() {
				files = i.take(files, e)
			}
		}
		return once(files), false
	}
	for _, g := range i.For {
		matches, _ := plan.Match(i.root.entries, g.Pattern)
		before := len(files)
		for _, e := range matches {
			if file := plan.Find(i.root.entries, e.Path); file != nil && file.IsFile() {
				files = append(files, file.File())
			}
		}
		if len(files) == before && !g.Optional {
			i.libraries.fail(g.Pos, fmt.Sprintf("write {path: %q, optional: true} if it may match none", g.Pattern), "%s: matches no file", g.Pattern)
		}
	}
	return once(files), true
}

// take adds the file that e leads to.
func (i *itemLibraries) take(files []*plan.Entry, e *plan.Entry) []*plan.Entry {
	file := plan.Find(i.root.entries, e.Path)
	if file == nil {
		i.libraries.fail(i.Pos, "", "libs: %s leads nowhere in the root", shown(e.Path+" -> "+e.Target))
		return files
	}
	return append(files, file.File())
}

// once returns the files without repetitions.
func once(files []*plan.Entry) []*plan.Entry {
	seen := map[*plan.Entry]bool{}
	return slices.DeleteFunc(files, func(e *plan.Entry) bool {
		again := seen[e]
		seen[e] = true
		return again
	})
}

// program adds the libraries of a file. It reports whether the file can have any.
func (i *itemLibraries) program(e *plan.Entry) bool {
	found, err := i.resolver.Libraries(e.Path, nil)
	switch {
	case errors.Is(err, elfdeps.ErrNotELF):
		return false
	case err != nil:
		i.libraries.fail(i.Pos, "", "libs: read %s: %w", shown(e.Path), err)
	case len(found.Missing) > 0:
		for _, m := range found.Missing {
			i.report(i.Pos, e.Path, m)
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
		i.libraries.fail(also.Pos, "", "also %s: there is no program that could load it", shown(also.Name))
		return
	}
	for _, m := range first.Missing {
		i.report(also.Pos, programs[0].Path, m)
	}
}

// addAll adds the libraries of a program that the root lacks.
func (i *itemLibraries) addAll(e *plan.Entry, found *elfdeps.Closure) {
	if found.Guessed && !i.missing[found.Loader] {
		i.missing[found.Loader] = true
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
	if err := i.land(i.sysroot, name); err != nil {
		i.libraries.fail(i.Pos, "", "%s needs %s: %w", shown(program), shown(i.sysroot.host(name)), err)
	}
}

// uncached makes sure that the loader finds a library that is in none of its directories.
func (i *itemLibraries) uncached(lib elfdeps.Library, dirs []string) {
	if plan.Find(i.root.entries, lib.Config) != nil {
		if !i.missing[lib.Name] {
			i.missing[lib.Name] = true
			i.job.warn("%s in the root lacks %s, so the loader does not find it in %s\n  run ldconfig -r for the source of the root, or leave out its %s: then mkinitfs writes one",
				lib.Config, shown(lib.Name), shown(path.Dir(lib.Path)), lib.Config)
		}
		return
	}
	if i.cache == nil {
		i.cacheFor = i.job
	}
	for _, dir := range slices.Concat(i.resolver.Configured(), []string{path.Dir(lib.Path)}, dirs) {
		if !slices.Contains(i.cache, dir) {
			i.cache = append(i.cache, dir)
		}
	}
}

// report reports a missing library, once for all programs of the item.
func (i *itemLibraries) report(pos manifests.Pos, program string, m elfdeps.Missing) {
	if i.missing[m.Name] {
		return
	}
	i.missing[m.Name] = true
	why := "searched " + strings.Join(m.Searched, ", ")
	hint := fmt.Sprintf("unpack the package with %s into %s", shown(path.Base(m.Name)), i.sysroot.dir)
	if len(m.Unfit) > 0 {
		where := i.sysroot.host(m.Unfit[0].Path)
		if m.Unfit[0].Root == 0 {
			where = m.Unfit[0].Path + " in the root"
		}
		why, hint = shown(where)+" "+m.Why[0], "take a sysroot for the machine of the program"
	}
	if m.By != program {
		hint = fmt.Sprintf("%s asks for it: %s", shown(m.By), hint)
	}
	i.libraries.fail(pos, hint, "%s needs %s, not in %s: %s", shown(program), shown(m.Name), i.sysroot.dir, why)
}

// shown returns a name for a message.
func shown(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}
