package source

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
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
		slices.SortStableFunc(w.problems, func(a, b *manifests.Error) int {
			return cmp.Or(strings.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col))
		})
		return nil, w.problems
	}
	entries = append(entries, w.entries...)
	if w.cache == nil {
		return entries, nil
	}
	if planned, err = plan.Trial(entries, o); err != nil {
		return entries, nil
	}
	text := elfdeps.Cache(tree(planned), w.cache, w.cached...)
	if text == nil {
		return entries, nil
	}
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
	cached   []string // paths of libraries that must be in it
	cacheFor job      // the item that it is for
	problems manifests.Errors
}

// item adds the libraries of the programs that an item names, or brings.
func (w *libraries) item(c manifests.Content, l *manifests.Libs, dir string) {
	j := w.env.job(c.Common())
	j.origin = l.Pos.String()
	s, err := newSysroot(dir, &j)
	if err != nil {
		w.fail(l.Pos, "", "sysroot %s: %w", dir, err)
		return
	}
	i := &itemLibraries{
		all: w, libs: l, job: j, sysroot: s, resolver: elfdeps.New(w.root, s), told: map[string]bool{},
		landing: &landing{job: j, planned: w.root.entries, added: w.added},
	}
	files := w.files(c, l)
	var programs []*plan.Entry
	for _, e := range files {
		if i.program(e) {
			programs = append(programs, e)
		}
	}
	for _, also := range l.Also {
		i.later(programs, also)
	}
	if l.For == nil && len(programs) == 0 && len(files) > 0 {
		w.fail(l.Pos, "", "libs does nothing here: %s: %w", shown(files[0].Path), elfdeps.ErrNotELF)
	}
	w.entries = append(w.entries, i.landing.entries...)
}

// files returns the files whose libraries an item asks for, each once.
func (w *libraries) files(c manifests.Content, l *manifests.Libs) []*plan.Entry {
	var files []*plan.Entry
	seen := map[*plan.Entry]bool{}
	add := func(e *plan.Entry) bool {
		file := plan.Find(w.root.entries, e.Path)
		if file == nil || !file.IsFile() {
			return false
		}
		if file = file.File(); !seen[file] {
			seen[file] = true
			files = append(files, file)
		}
		return true
	}
	if l.For == nil {
		for _, e := range w.root.entries {
			if e.Origin == c.Common().Pos.String() && !e.IsDir() && !add(e) {
				w.fail(l.Pos, "", "libs: %s leads to no file in the root", shown(e.Path+" -> "+e.Target))
			}
		}
	}
	for _, g := range l.For {
		matches, _ := plan.Match(w.root.entries, g.Pattern)
		matched := g.Optional
		for _, e := range matches {
			matched = add(e) || matched
		}
		if !matched {
			w.fail(g.Pos, fmt.Sprintf("write {path: %q, optional: true} if it may match none", g.Pattern), "%s: matches no file", g.Pattern)
		}
	}
	return files
}

func (w *libraries) fail(pos manifests.Pos, hint, format string, args ...any) {
	w.problems = append(w.problems, &manifests.Error{Pos: pos, Msg: fmt.Errorf(format, args...).Error(), Hint: hint})
}

// shown returns a name for a message.
func shown(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}
