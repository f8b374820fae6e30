package image

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// settle returns the entries that remain once all are unpacked, sorted by path, with their
// final attributes. All names of a file have its size.
func (w *walker) settle(entries []Entry) []Entry {
	if settled := plainEntries(entries); settled != nil || len(entries) == 0 {
		return settled
	}
	t := newKernelRoot(w.report)
	for i := range entries {
		t.add(&entries[i])
	}
	return t.entries()
}

// plainEntries returns the entries sorted by path if all of them remain: each follows its
// directory, and no two have the same path. Otherwise it returns nil. Nearly all images are
// plain, and need no kernelRoot.
func plainEntries(entries []Entry) []Entry {
	directories := map[string]bool{"": true, "dev": true, "root": true}
	parent := ""
	files := shared{}
	keys := make([]sortKey, len(entries))
	for i := range entries {
		e := &entries[i]
		e.content = e.number
		kind := e.Type()
		name, asIs := e.relative()
		keys[i] = sortKey{name, i}
		if dir := parentOf(name); dir != parent {
			if !directories[dir] {
				return nil
			}
			parent = dir
		}
		switch kind {
		case cpio.TypeDir:
			directories[name] = true
		case cpio.TypeFile, cpio.TypeLink, cpio.TypeChar, cpio.TypeBlock, cpio.TypeFIFO, cpio.TypeSocket:
			if name == "" || strings.HasSuffix(e.Name, "/") {
				return nil
			}
		default:
			return nil
		}
		if !asIs && strings.Contains(e.Name, "..") || !files.add(e) {
			return nil
		}
	}
	settled := byPath(entries, keys)
	for i := 1; i < len(keys); i++ {
		if keys[i].path == keys[i-1].path {
			return nil
		}
	}
	files.complete(settled)
	return settled
}

// shared are the files with several names, by the number of their first entry.
type shared map[int64]*Entry

// add reports whether e has the attributes that the earlier names of its file have.
func (s *shared) add(e *Entry) bool {
	if e.Nlink < 2 || e.Type() == cpio.TypeDir {
		return true
	}
	file, ok := (*s)[e.file]
	if !ok {
		first := *e
		(*s)[e.file] = &first
		return true
	}
	if e.Size > 0 {
		file.Size, file.content = e.Size, e.number
	}
	return file.Mode == e.Mode && file.UID == e.UID && file.GID == e.GID && file.MTime == e.MTime &&
		file.RdevMajor == e.RdevMajor && file.RdevMinor == e.RdevMinor
}

// complete gives all names of a file its size and content.
func (s *shared) complete(entries []Entry) {
	if len(*s) == 0 {
		return
	}
	for i := range entries {
		e := &entries[i]
		if file := (*s)[e.file]; file != nil && e.Type() == cpio.TypeFile {
			e.Size, e.content = file.Size, file.content
		}
	}
}

// sortKey is the path of an entry and its number in the list.
type sortKey struct {
	path string
	i    int // of the entry
}

// byPath sorts the keys, and returns the entries in that order. Many are sorted.
func byPath(entries []Entry, keys []sortKey) []Entry {
	sorted := true
	for i := 1; i < len(keys) && sorted; i++ {
		sorted = keys[i-1].path <= keys[i].path
	}
	if sorted {
		return entries
	}
	slices.SortFunc(keys, func(a, b sortKey) int {
		if order := strings.Compare(a.path, b.path); order != 0 {
			return order
		}
		return a.i - b.i
	})
	ordered := make([]Entry, len(entries))
	for i, p := range keys {
		ordered[i] = entries[p.i]
	}
	return ordered
}

// entries returns what is in the tree, by path.
func (t *kernelRoot) entries() []Entry {
	type standing struct {
		*node
		place string
	}
	all := make([]standing, 0, len(t.nodes))
	for at, n := range t.nodes {
		if n.entry != nil {
			all = append(all, standing{n, at})
		}
	}
	slices.SortFunc(all, func(a, b standing) int { return cmp.Compare(a.entry.number, b.entry.number) })
	first := map[*object]string{} // the oldest name that is left
	list, keys := make([]Entry, len(all)), make([]sortKey, len(all))
	for i, n := range all {
		e := *n.entry
		nlink := e.Nlink
		e.Header, e.Link, e.content, e.HardLinkOf = n.Header, n.link, n.content, ""
		e.Name, e.Nlink = cmp.Or(n.place, "."), nlink
		if name, ok := first[n.object]; ok {
			e.HardLinkOf = name
		} else if e.Type() != cpio.TypeDir {
			first[n.object] = e.Name
		}
		list[i], keys[i] = e, sortKey{n.place, i}
	}
	return byPath(list, keys)
}
