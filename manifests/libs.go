package manifests

import (
	"errors"
	"strings"
)

// Libs asks for the shared libraries of programs.
type Libs struct {
	Pos     Pos
	For     []Glob    // root paths of the programs; nil is for all files of the item
	Also    []LibName // libraries that the programs load while they run
	Sysroot string    // host path, joined with its directory; "" is that of the manifest
}

// LibName is the name of a library, or its path in the root.
type LibName struct {
	Pos  Pos
	Name string
}

// These rows are shared by the types of contents that bring programs.
var (
	libsOfFileKey = Key{Name: "libs", Kind: KindBool, Default: "false", Values: []string{"{also: [...]}"},
		Doc: "Whether the shared libraries that it needs come along, from `sysroot`."}
	libsKey = Key{Name: "libs", Kind: KindMapping, Doc: "The programs in the root whose shared libraries come along, from `sysroot`."}

	sysrootKey = Key{Name: "sysroot", Kind: KindHostPath, Otherwise: "that at the top", Doc: "The directory whose libraries `libs` takes, laid out like a root."}
)

var libsSection = Section{Path: "libs", Keys: []Key{
	{Name: "for", Kind: KindPatterns, Doc: "Paths of programs and libraries in the root; not for `type: file`, and required for others."},
	{Name: "also", Kind: KindTexts, Doc: "Names or paths of further libraries, which the programs load with dlopen."},
}}

// libs reads the libraries that an item asks for. The item names the programs unless it is a
// file.
func (o *object) libs(file bool) *Libs {
	l := &Libs{}
	if set(o, "sysroot", &l.Sysroot, parseWord) {
		l.Sysroot = join(o.hostDir(o.get("sysroot"), join), l.Sysroot)
	}
	n := o.get("libs")
	if n == nil || n.kind == broken {
		o.refuse("there is no libs", "sysroot")
		return nil
	}
	l.Pos = n.pos
	switch no := n.kind == scalar && n.text == "false"; {
	case n.kind == mapping:
		l.read(o.object(n, "libs", &libsSection), file)
	case !file && !no:
		o.add(n.pos, advise(`write {for: ["/usr/sbin/*"]}`, "libs: want the programs whose libraries are wanted"))
	default:
		if yes, ok := parse(o.decoder, n, "libs", parseBool); !yes {
			if ok {
				o.refuse("there is no libs", "sysroot")
			}
			return nil
		}
	}
	if l.Sysroot == "" && !o.sysroot && !o.has("sysroot") {
		o.add(n.pos, errNoSysroot)
	}
	return l
}

// read reads the mapping.
func (l *Libs) read(o *object, file bool) {
	if file {
		o.refuse("libs of a file are its own", "for")
	} else if l.For = o.globs("for", parsePattern); len(o.list("for")) == 0 {
		o.errorf(o.pos, "libs needs for")
	}
	for _, n := range o.list("also") {
		if name, ok := parse(o.decoder, n, "also", parseLibrary); ok {
			l.Also = append(l.Also, LibName{n.pos, name})
		}
	}
}

var errNoSysroot = advise("write sysroot: DIR here or at the top of the manifest, with the directory that has the libraries", "libs needs sysroot")

// parseLibrary reads the name of a library, or its path in the root.
func parseLibrary(text string) (string, error) {
	if strings.Contains(text, "/") {
		return parsePath(text)
	}
	if text == "." || text == ".." {
		return "", errors.New("want the name of a library, as in libz.so.1, or a path in the root")
	}
	return parseWord(text)
}

// checkLibs returns an error if an item cannot have the libraries that it asks for.
func checkLibs(c Content, sysroot string) error {
	l := c.Common().Libs
	if l == nil {
		return nil
	}
	t, err := findType(c.Type())
	if err != nil {
		return err
	}
	if !t.section().has("libs") {
		return doesNothing("libs", "a "+c.Type()+" brings no programs")
	}
	var errs []error
	for _, also := range l.Also {
		errs = append(errs, checkText("also", also.Name, parseLibrary))
	}
	if l.Sysroot == "" && sysroot == "" {
		errs = append(errs, errNoSysroot)
	}
	return errors.Join(append(errs, checkGlobs("for", l.For, parsePattern))...)
}
