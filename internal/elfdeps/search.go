package elfdeps

import "strings"

func joined(dir, name string) string { return strings.TrimRight(dir, "/") + "/" + name }

// runPaths returns the directories of DT_RPATH and DT_RUNPATH in which the loader looks for what
// l needs.
func (d *loader) runPaths(l *loaded) (dirs []string) {
	switch d.kind {
	case musl: // either of them, DT_RUNPATH first, for the whole chain (ldso/dynlink.c)
		for ; l != nil; l = l.by {
			list := l.RunPath
			if list == "" {
				list = l.RPath
			}
			list, _ = d.expand(list, l)
			for dir := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ':' || r == '\n' }) {
				dirs = append(dirs, absolute(dir))
			}
		}
	case uclibc: // both, its own; $ORIGIN counts at the start of DT_RPATH's elements (ldso/ldso/dl-elf.c)
		dirs = append(d.elements(l.RPath, l), d.elements(l.RunPath, nil)...)
	default: // DT_RPATH of the chain, unless l has DT_RUNPATH (_dl_map_object in elf/dl-load.c)
		if l.RunPath != "" {
			return d.elements(l.RunPath, l)
		}
		for ; l != nil; l = l.by {
			if l.RunPath == "" { // which voids DT_RPATH beside it
				dirs = append(dirs, d.elements(l.RPath, l)...)
			}
		}
	}
	return dirs
}

// elements returns the directories of a list, without those that cannot be known. An empty
// element is the current directory: the root, where the first process starts.
func (d *loader) elements(list string, l *loaded) (dirs []string) {
	if list == "" {
		return nil
	}
	for dir := range strings.SplitSeq(list, ":") {
		if expanded, ok := d.expand(dir, l); ok {
			dirs = append(dirs, absolute(expanded))
		}
	}
	return dirs
}

// expand replaces $ORIGIN, and $LIB for glibc, in a path of the file l, which is nil where
// $ORIGIN is not known. It reports false for a path that the loader ignores, and for $PLATFORM,
// which depends on the processor.
func (d *loader) expand(text string, l *loaded) (string, bool) {
	if d.kind == uclibc {
		rest, found := strings.CutPrefix(text, "$ORIGIN")
		switch {
		case !found:
			return text, true
		case l == nil:
			return "", false
		}
		return l.dir() + rest, true
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		word, after := token(rest)
		switch {
		case word == "ORIGIN":
			b.WriteString(l.dir())
		case word == "LIB" && d.kind == glibc:
			b.WriteString(d.lib)
		case word == "PLATFORM" && d.kind == glibc, d.kind == musl:
			return "", false
		default:
			b.WriteString("$")
			text = rest
			continue
		}
		text = after
	}
}

// token returns the name behind a dollar sign, with or without braces, and what follows it.
func token(text string) (word, after string) {
	if inner, ok := strings.CutPrefix(text, "{"); ok {
		word, after, _ = strings.Cut(inner, "}")
		return word, after
	}
	end := strings.IndexFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_')
	})
	if end < 0 {
		end = len(text)
	}
	return text[:end], text[end:]
}
