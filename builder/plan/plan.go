package plan

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"
)

// Options are the inputs of a plan beside its entries.
type Options struct {
	RootMode    uint32 // permission bits of "/"
	RootAsked   bool   // RootMode was asked for: an archive with another one needs no warning
	MTime       int64  // of directories and nodes that are made here, in seconds since the epoch
	Remove      []Glob
	Permissions []Permission
	Files       []*Entry          // regular files for where there is nothing
	Warn        func(text string) // is told what is likely to be a mistake; may be nil
}

// Glob is a pattern over paths of the root, in doublestar's syntax. /x/** is
// everything below /x, but not /x itself.
type Glob struct {
	Origin   string // where it was asked for
	Pattern  string // absolute
	Optional bool   // matching nothing is not an error
}

const matchesNothing = "matches nothing"

// OptionalItem is the hint for a pattern without a match in an item of a manifest that
// has a key for that.
const OptionalItem = "add optional: true if it may match nothing"

// Unmatched returns the problem that g, one of a list of patterns, matches nothing.
func (g Glob) Unmatched() *Error {
	return &Error{Origin: g.Origin, Path: g.Pattern, Msg: matchesNothing, Hint: g.listed()}
}

// listed is the hint for one of a list of patterns without a match.
func (g Glob) listed() string {
	return fmt.Sprintf("write {path: %q, optional: true} if it may match nothing", g.Pattern)
}

// Permission changes the metadata of what its glob matches; nil leaves a value
// as it is.
type Permission struct {
	Glob
	Mode     *uint32 // permission bits; a directory gets x wherever it gets r
	DirMode  *uint32 // of directories, instead of Mode
	UID, GID *uint32
	Names    Names // of an owner; wins over UID and GID
	MTime    *int64
	Xattrs   Xattrs // added, to the types of files that Linux takes them for
}

// Trial returns the plan that [Make] would make of entries, which stay as they are, without the
// Permissions. A pattern to remove may match nothing.
func Trial(entries []*Entry, o Options) ([]*Entry, error) {
	copies := make([]*Entry, len(entries))
	for i, e := range entries {
		c := *e
		copies[i] = &c
	}
	remove := slices.Clone(o.Remove)
	for i := range remove {
		remove[i].Optional = true
	}
	DropUnstorable(copies)
	return Make(copies, Options{RootMode: o.RootMode, MTime: o.MTime, Remove: remove})
}

// Make turns entries, in the order in which they were asked for, into a plan. It
// uses the slice up, and changes what is in it. In this order
//
//   - whiteouts remove what stands before their archive;
//   - paths are resolved through the symbolic links of the image, wherever in
//     the order these stand: with /bin -> usr/bin, /bin/sh is /usr/bin/sh, and a
//     directory /bin is the directory /usr/bin;
//   - entries for one path are judged: in one archive the last one wins, directories
//     merge, Replace replaces, GivesWay gives way, all else is an error;
//   - hard links are joined with what they are a name of;
//   - missing parents are made, 0755 and 0:0;
//   - what Remove matches is removed, with all that is below it, and the parents
//     that were only made for that;
//   - /dev/console and /dev/null are added where there is nothing, and in the place of
//     other things there that came with a tree or an archive, and Files where there is nothing;
//   - Permissions are applied, one after the other;
//   - every parent is checked to be a directory, every value to fit into an archive;
//   - what is left is numbered in the order of its bytes, which puts parents
//     first.
//
// An error is of type [Errors] and holds every problem found.
func Make(entries []*Entry, o Options) ([]*Entry, error) {
	p := &planner{entries: entries, options: o}
	p.start()
	if !p.applyWhiteouts() || !p.resolve() {
		return nil, p.problems.Sorted()
	}
	p.sort()
	p.merge()
	p.join()
	if !p.makeParents() {
		return nil, p.problems.Sorted()
	}
	p.remove()
	p.addNodes()
	p.addFiles()
	p.permit()
	p.checkParents()
	p.checkBounds()
	if err := p.problems.Sorted(); err != nil {
		return nil, err
	}
	p.number()
	return p.entries, nil
}

// planner holds a plan in the making. To stay lean with a million entries it
// keeps no second list but uses fields that are set at the end: Ino is the place
// of an entry in the order of the manifest, Nlink the Ino of the entry that is
// the first name of its file.
type planner struct {
	entries  []*Entry
	options  Options
	last     uint32 // Ino given last
	links    linkTable
	asked    map[uint32]string // by Ino: the path as asked for, where it led elsewhere
	yielded  []*Entry          // entries that have given way to others
	byBase   map[string]string // some file of each base name, for hints
	problems Errors
}

// made marks directories that nobody asked for: they go when nothing needs them.
const made = -1

// start numbers the entries and gives the image its root.
func (p *planner) start() {
	kept := p.entries[:0]
	var tops []*Entry // of archives
	for _, e := range p.entries {
		if e.HardLink {
			e.Mode = TypeFile
		}
		switch {
		case !clean(e.Path) || e.HardLink && !clean(e.Target):
			p.fail(e, "", "not an absolute, clean path")
			continue
		case e.Path == "/" && !e.IsDir():
			p.fail(e, "", "the root is a directory, not %s", kind(e))
			continue
		case e.Path == "/" && e.Implied:
			// The top of a tree or an archive is a directory of the host's, often a
			// temporary one, and has no say in what the root looks like.
			if e.Source > 0 {
				tops = append(tops, e)
			}
			continue
		}
		kept = append(kept, e)
	}
	p.entries = kept
	p.warnTops(tops)
	root := &Entry{Path: "/", Mode: TypeDir | p.options.RootMode&0o7777, MTime: p.options.MTime, Implied: true}
	p.entries = append(kept, root)
	for _, e := range p.entries {
		p.identify(e)
	}
}

// warnTops warns about top directories of archives that are unlike the root, because nothing of
// them is taken over. The top of a tree is a directory of this machine, which is no surprise.
func (p *planner) warnTops(tops []*Entry) {
	named := slices.ContainsFunc(p.entries, func(e *Entry) bool { return e.Path == "/" })
	for _, top := range tops {
		var left, keep []string
		if mode := top.Mode & 0o7777; mode != p.options.RootMode && !p.options.RootAsked {
			left = append(left, fmt.Sprintf("mode %#04o", mode))
			keep = append(keep, fmt.Sprintf("root: {mode: %#04o}", mode))
		}
		if owner := fmt.Sprintf("%d:%d", top.UID, top.GID); owner != "0:0" && !named {
			left = append(left, "owner "+owner)
			keep = append(keep, fmt.Sprintf("{type: dir, dst: /, owner: %q}", owner))
		}
		if len(left) > 0 {
			p.warn(top, "of / in the archive, this is left out: %s\n  to take it over, write %s", strings.Join(left, ", "), strings.Join(keep, " and "))
		}
	}
}

func (p *planner) identify(e *Entry) {
	p.last++
	e.Ino, e.Nlink = p.last, p.last
}

// sort brings the entries into the order of the image; those for one path stay
// in the order of the manifest.
func (p *planner) sort() {
	slices.SortFunc(p.entries, func(a, b *Entry) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Ino, b.Ino))
	})
}

// find returns the index of path in the sorted entries, or where it would be.
func (p *planner) find(path string) (int, bool) {
	i := sort.Search(len(p.entries), func(i int) bool { return p.entries[i].Path >= path })
	return i, i < len(p.entries) && p.entries[i].Path == path
}

// insert puts entries that nobody asked for, at new paths, into the sorted ones.
func (p *planner) insert(entries []*Entry) {
	slices.SortFunc(entries, func(a, b *Entry) int { return strings.Compare(a.Path, b.Path) })
	old := len(p.entries)
	p.entries = append(p.entries, entries...)
	for to := len(p.entries) - 1; len(entries) > 0; to-- {
		last := entries[len(entries)-1]
		if old > 0 && p.entries[old-1].Path > last.Path {
			old--
			p.entries[to] = p.entries[old]
			continue
		}
		last.MTime = p.options.MTime
		p.identify(last)
		p.entries[to] = last
		entries = entries[:len(entries)-1]
	}
}

// Directories that may be missing for so many entries. Those of a root are few: more than
// that are made by paths that only fill memory.
const (
	missingMost  = 64 << 10
	missingShare = 4 // more for each entry
)

// makeParents adds the directories that are missing, and reports whether they are few enough.
func (p *planner) makeParents() bool {
	var missing []*Entry
	seen := map[string]bool{}
	last := "/"
	for _, e := range p.entries {
		if parent(e.Path) == last {
			continue
		}
		last = parent(e.Path)
		for dir := last; dir != "/" && !seen[dir]; dir = parent(dir) {
			if _, found := p.find(dir); found {
				break
			}
			if len(missing) == missingMost+missingShare*len(p.entries) {
				p.fail(e, "", "%d directories are missing up to here, more than any root has", len(missing))
				return false
			}
			seen[dir] = true
			missing = append(missing, &Entry{Path: dir, Mode: TypeDir | 0o755, Origin: e.Origin, Implied: true, Source: made})
		}
	}
	p.insert(missing)
	return true
}

// number gives every file its number and counts its names. The first name in
// order keeps the data.
func (p *planner) number() {
	names := map[uint32]uint32{} // of files with several
	for _, e := range p.entries {
		if e.Nlink != e.Ino {
			names[e.Nlink] = 0
		}
	}
	for _, e := range p.entries {
		if n, ok := names[e.Nlink]; ok {
			names[e.Nlink] = n + 1
		}
	}
	firsts := make(map[uint32]*Entry, len(names))
	next := uint32(1)
	for _, e := range p.entries {
		file := e.Nlink
		n, several := names[file]
		e.Nlink = max(n, 1)
		if e.IsDir() {
			e.Nlink = 2
		}
		if first, again := firsts[file]; again {
			e.Ino, e.First, e.Data = first.Ino, first, Data{}
			continue
		}
		e.Ino = next
		next++
		if several {
			firsts[file] = e
		}
	}
}

// parent returns the directory that path is in. The root is in itself.
func parent(path string) string {
	return path[:max(1, strings.LastIndexByte(path, '/'))]
}

func clean(name string) bool {
	return strings.HasPrefix(name, "/") && path.Clean(name) == name
}
