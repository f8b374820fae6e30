package elfdeps

import (
	"cmp"
	"encoding/binary"
	"path"
	"slices"
	"strings"
)

// cacheEntry is a library in a cache.
type cacheEntry struct {
	name, path string
	flags      uint32
}

// Cache returns a cache for glibc's loader of the libraries in directories of a root, as ldconfig
// writes it, or nil if there are none. It lists a library under a name only if a file of that
// name is there, because ldconfig would make the missing link. It also lists the needed libraries,
// given by their paths, under names that are not theirs.
func Cache(root Root, dirs []string, needed ...string) []byte {
	l := New(root).layers[0]
	var entries []cacheEntry
	var order binary.ByteOrder
	seen := map[string]bool{} // directories, by place
	for _, dir := range dirs {
		names, place := l.List(dir)
		if seen[place] {
			continue
		}
		seen[place] = true
		for _, name := range names {
			library := path.Join(dir, name)
			wanted := slices.Contains(needed, library)
			if !isLibrary(name) && !wanted {
				continue
			}
			if o, _, err := l.object(library); err == nil && (wanted || o.listedAs(name)) {
				order = o.order
				entries = append(entries, cacheEntry{name, library, o.cacheFlags})
			}
		}
	}
	if entries == nil {
		return nil
	}
	slices.SortStableFunc(entries, func(a, b cacheEntry) int {
		return cmp.Or(compareNames(b.name, a.name), cmp.Compare(b.flags, a.flags))
	})
	return marshalCache(entries, order)
}

// listedAs reports whether ldconfig lists a library under the name of a file: its DT_SONAME, or
// the name that the linker looks for, as in libz.so.
func (o *Object) listedAs(name string) bool {
	return o.Soname == "" || o.Soname == name || strings.HasSuffix(name, ".so") && strings.HasPrefix(o.Soname, name)
}

// isLibrary reports whether ldconfig takes a file for a library (_dl_is_dso in elf/dl-is_dso.h).
func isLibrary(name string) bool {
	return (strings.HasPrefix(name, "lib") || strings.HasPrefix(name, "ld-")) && strings.Contains(name, ".so") || name == "ld.so.1" || strings.HasPrefix(name, "ld64.so")
}

// compareNames compares names with their numbers as numbers (_dl_cache_libcmp in
// elf/dl-cache.c). A number comes after other characters. The loader's binary search needs that
// order.
func compareNames(a, b string) int {
	for a != "" && b != "" {
		na, nb := digits(a), digits(b)
		switch {
		case na > 0 && nb > 0:
			x, y := strings.TrimLeft(a[:na], "0"), strings.TrimLeft(b[:nb], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[na:], b[nb:]
		case na > 0:
			return 1
		case nb > 0:
			return -1
		case a[0] != b[0]:
			return cmp.Compare(a[0], b[0])
		default:
			a, b = a[1:], b[1:]
		}
	}
	return cmp.Compare(len(a), len(b))
}

// digits returns the number of digits at the start of text.
func digits(text string) int { return len(text) - len(strings.TrimLeft(text, "0123456789")) }

// marshalCache returns the file. Offsets of strings count from its start.
func marshalCache(entries []cacheEntry, order binary.ByteOrder) []byte {
	const little, big = 2, 3 // cache_file_new_flags_endian_*
	text := make([]byte, headerSize, headerSize+len(entries)*(entrySize+64))
	copy(text, cacheMagic)
	order.PutUint32(text[20:], uint32(len(entries)))
	if text[28] = little; order == binary.BigEndian {
		text[28] = big
	}
	var names []byte
	offsets := map[string]uint32{}
	start := headerSize + len(entries)*entrySize
	offset := func(name string) uint32 {
		at, ok := offsets[name]
		if !ok {
			at = uint32(start + len(names))
			names = append(append(names, name...), 0)
			offsets[name] = at
		}
		return at
	}
	for _, e := range entries {
		var b [entrySize]byte
		order.PutUint32(b[0:], e.flags)
		order.PutUint32(b[4:], offset(e.name))
		order.PutUint32(b[8:], offset(e.path))
		text = append(text, b[:]...)
	}
	order.PutUint32(text[24:], uint32(len(names)))
	return append(text, names...)
}
