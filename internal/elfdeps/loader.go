package elfdeps

import (
	"bytes"
	"io"
	"path"
	"slices"
	"strings"
)

// kind is a dynamic loader with its rules.
type kind int

const (
	glibc kind = iota
	musl
	uclibc
)

// loader is the dynamic loader of a program.
type loader struct {
	kind
	path string
	dirs []string // its default directories
	lib  string   // what $LIB stands for
}

// usualDirs are searched where the directories of a loader are not known.
var usualDirs = []string{"/lib", "/usr/lib", "/lib64", "/usr/lib64"}

// kindOf returns the kind of a loader by its name.
func kindOf(name string) kind {
	switch base := path.Base(name); {
	case strings.HasPrefix(base, "ld-musl-"):
		return musl
	case strings.Contains(base, "-uClibc.so"):
		return uclibc
	}
	return glibc
}

// isLoader reports whether a file in a library directory has the name of a dynamic loader.
func isLoader(name string) bool {
	for _, prefix := range []string{"ld-linux", "ld-musl-", "ld-uClibc.so", "ld64-uClibc.so", "ld64.so", "ld.so.1"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// settle finds the directories that the loader, a file in a root, searches. It returns the
// configuration that only a later root has, and whether it knows the directories.
func (l *loader) settle(layers []*layer, in *layer) (config string, known bool) {
	switch l.kind {
	case musl:
		l.dirs = []string{"/lib", "/usr/local/lib", "/usr/lib"}
		return l.muslPath(layers), true
	case uclibc:
		l.dirs = unique(path.Dir(l.path), "/lib", "/usr/lib")
		return "", true
	}
	dirs := builtIn(in, l.path)
	if dirs == nil {
		return "", false
	}
	// $LIB is the last part of the first one, behind the prefix: lib64, lib/x86_64-linux-gnu.
	l.dirs = dirs
	l.lib = dirs[0][strings.Index(dirs[0], "/lib")+1:]
	return "", true
}

// muslPath reads the directories of musl's loader. Those of the first root that has the file
// count (load_library in ldso/dynlink.c). It returns the path of the file if that is a later
// root.
func (l *loader) muslPath(layers []*layer) string {
	machine, _, _ := strings.Cut(strings.TrimPrefix(path.Base(l.path), "ld-musl-"), ".so")
	config := path.Join(path.Dir(path.Dir(l.path)), "etc", "ld-musl-"+machine+".path")
	for i, layer := range layers {
		text, ok := layer.text(config)
		if !ok {
			continue
		}
		l.dirs = nil
		for dir := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ':' || r == '\n' }) {
			l.dirs = append(l.dirs, absolute(dir))
		}
		if i > 0 {
			return config
		}
		return ""
	}
	return ""
}

// inside reports whether a loader takes the place of a library. That of musl does
// (load_library in ldso/dynlink.c).
func (l *loader) inside(name string) bool {
	return l.kind == musl && InMusl(name)
}

// InMusl reports whether musl's loader has the content of a library in itself.
func InMusl(name string) bool {
	rest, ok := strings.CutPrefix(name, "lib")
	short, _, dotted := strings.Cut(rest, ".")
	return ok && dotted && slices.Contains([]string{"c", "pthread", "rt", "m", "dl", "util", "xnet"}, short)
}

// sonames reports whether a library that is loaded counts for its DT_SONAME too. musl goes by
// the names of files.
func (l *loader) sonames() bool { return l.kind != musl }

// stops reports whether a file that is no library for the program ends the search for it. err is
// the error of reading it. musl takes the first file, glibc only passes over other machines
// (open_verify in elf/dl-load.c).
func (l *loader) stops(err error) bool {
	return l.kind == musl || l.kind == glibc && err == ErrNotELF
}

const maxLoader = 16 << 20 // bytes; no loader is larger

// builtIn returns the directories that a loader of glibc has been compiled with, or nil: the
// array system_dirs (elf/dl-load.c). Their paths lie behind each other in the file, each with a
// slash and a NUL at its end.
func builtIn(l *layer, name string) []string {
	f, _, err := l.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, 0, maxLoader))
	if err != nil {
		return nil
	}
	var run, best []string
	for piece := range bytes.SplitSeq(text, []byte{0}) {
		if !isDirectory(piece) {
			run = nil
			continue
		}
		if run = append(run, string(piece[:len(piece)-1])); len(run) > len(best) && len(run) <= maxDirs {
			best = run
		}
	}
	return best
}

const maxDirs = 64 // no loader has more

// isDirectory reports whether text is the path of a directory for libraries, with a slash at its
// end.
func isDirectory(text []byte) bool {
	return len(text) > 1 && len(text) < maxString && text[0] == '/' && text[len(text)-1] == '/' && bytes.Contains(text, []byte("/lib")) &&
		!bytes.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// unique returns the names without repetitions.
func unique(names ...string) (once []string) {
	for _, name := range names {
		if !slices.Contains(once, name) {
			once = append(once, name)
		}
	}
	return once
}
