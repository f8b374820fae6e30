package elfdeps

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// loaded is a file that has been loaded.
type loaded struct {
	*Object
	path  string   // as the loader opens it
	names []string // by which it is known
	by    *loaded  // the file that asked for it first; nil for the program
}

// dir returns the directory of the file as the loader opens it. Its path may lead through links,
// so it is not cleaned.
func (l *loaded) dir() string { return l.path[:strings.LastIndexByte(l.path, '/')] }

// closure is the work on one program.
type closure struct {
	*Resolver
	program *loaded
	loader  loader
	all     []*loaded // in the order of loading
	missing []string  // names that have been reported
	found   *Closure
}

// load loads the library that l asks for, unless it is loaded already.
func (c *closure) load(name string, l *loaded) {
	if c.loader.inside(name) || slices.Contains(c.missing, name) {
		return
	}
	for _, other := range c.all {
		if slices.Contains(other.names, name) {
			return
		}
	}
	m := Missing{Name: name, By: l.path}
search:
	for i, layer := range c.layers {
		for _, at := range c.candidates(name, l, i) {
			o, place, err := layer.object(at.path)
			if dir := path.Dir(at.path); !slices.Contains(m.Searched, dir) {
				m.Searched = append(m.Searched, dir)
			}
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			lib := Library{Name: name, Path: at.path, Place: place, Root: i, Config: at.config}
			why := c.program.unfit(o, err)
			if why == "" {
				c.add(o, lib, l)
				return
			}
			m.Unfit, m.Why = append(m.Unfit, lib), append(m.Why, why)
			if c.loader.stops(err) {
				break search
			}
		}
	}
	c.missing = append(c.missing, name)
	c.found.Missing = append(c.found.Missing, m)
}

// add adds a library, or one more name for it.
func (c *closure) add(o *Object, lib Library, by *loaded) {
	for _, other := range c.all {
		if other.Object == o {
			other.names = append(other.names, lib.Name)
			c.found.Libraries = append(c.found.Libraries, lib)
			return
		}
	}
	names := []string{lib.Name}
	if c.loader.sonames() && o.Soname != "" {
		names = append(names, o.Soname)
	}
	c.all = append(c.all, &loaded{Object: o, path: lib.Path, names: names, by: by})
	c.found.Libraries = append(c.found.Libraries, lib)
}

// startLoader finds the loader of the program, and its default directories.
func (c *closure) startLoader() {
	name := c.program.Interpreter
	if name == "" {
		if name = c.usualLoader(); name == "" {
			c.loader, c.found.Guessed = loader{dirs: usualDirs, lib: "lib"}, true
			return
		}
	} else {
		name = absolute(name)
	}
	c.loader = loader{kind: kindOf(name), path: name, dirs: usualDirs, lib: "lib"}
	m := Missing{Name: name, By: c.program.path, Searched: []string{path.Dir(name)}}
	for i, layer := range c.layers {
		o, place, err := layer.object(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		lib := Library{Name: name, Path: name, Place: place, Root: i}
		if why := c.program.unfit(o, err); why != "" {
			m.Unfit, m.Why = append(m.Unfit, lib), append(m.Why, why)
			continue
		}
		if place == c.program.path && i == 0 { // the program is the loader
			return
		}
		// The loader itself is a library that others need by its name.
		c.all = append(c.all, &loaded{Object: o, path: name, names: []string{name, path.Base(name), o.Soname}, by: c.program})
		c.found.Libraries = append(c.found.Libraries, lib)
		config, known := c.loader.settle(c.layers, layer)
		c.found.Config, c.found.Guessed = config, !known
		return
	}
	c.found.Missing = append(c.found.Missing, m)
	c.found.Guessed = true
}

// usualLoader returns the loader for a library, which names none: of the loaders for its machine
// the one whose C library it needs.
func (c *closure) usualLoader() string {
	wantMusl := slices.ContainsFunc(c.program.Needed, func(name string) bool {
		return name == "libc.so" || strings.HasPrefix(name, "libc.musl-")
	})
	for _, layer := range c.layers {
		for _, dir := range []string{"/lib", "/lib64", "/lib32", "/libx32", "/usr/lib", "/usr/lib64"} {
			names, _ := layer.List(dir)
			for _, name := range names {
				if !isLoader(name) || (kindOf(name) == musl) != wantMusl {
					continue
				}
				name = dir + "/" + name
				if o, _, err := layer.object(name); err == nil && c.program.unfit(o, nil) == "" {
					return name
				}
			}
		}
	}
	return ""
}

// candidate is a path at which a loader may find a library.
type candidate struct {
	path   string
	config string // as in [Library]
}

// candidates returns where the loader looks for the library name, which l needs, in a root.
func (c *closure) candidates(name string, l *loaded, root int) []candidate {
	if strings.Contains(name, "/") {
		if c.loader.kind == glibc {
			name, _ = c.loader.expand(name, l)
		}
		return []candidate{{path: absolute(name)}}
	}
	var found []candidate
	for _, dir := range c.loader.runPaths(l) {
		found = append(found, candidate{path: joined(dir, name)})
	}
	if c.loader.kind == glibc {
		found = append(found, c.cached(name, l, root)...)
	}
	if !l.NoDefault {
		for _, dir := range c.loader.dirs {
			found = append(found, candidate{path: joined(dir, name)})
		}
	}
	if c.loader.kind == glibc {
		for _, dir := range c.Configured() {
			if !slices.Contains(c.loader.dirs, dir) {
				found = append(found, candidate{joined(dir, name), CachePath})
			}
		}
	}
	return found
}

// cached returns where the cache of a root has a library. A library that only the cache of a
// later root has needs one in the first, unless the loader looks into that directory anyway.
func (c *closure) cached(name string, l *loaded, root int) (found []candidate) {
	layer := c.layers[root]
	layer.readConfig()
	for _, library := range layer.cache[name] {
		switch standard := c.isDefault(library, name); {
		case l.NoDefault && slices.Contains(c.loader.dirs, path.Dir(library)):
		case root == 0, standard:
			found = append(found, candidate{path: library})
		default:
			found = append(found, candidate{library, CachePath})
		}
	}
	return found
}

// isDefault reports whether the loader finds a library at a path without its cache.
func (c *closure) isDefault(library, name string) bool {
	return path.Base(library) == name && slices.Contains(c.loader.dirs, path.Dir(library))
}
