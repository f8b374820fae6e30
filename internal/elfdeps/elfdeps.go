// Package elfdeps finds the shared libraries of a program as its dynamic loader would: by the
// rules of glibc, musl or uClibc-ng, for any architecture. It reads files and runs none.
//
// A [Resolver] searches roots one after the other, such as the root of an image and then a
// sysroot. What the first one has satisfies, because the loader will find it there.
//
// The libraries in directories for newer processors (glibc-hwcaps) are left out. The loader takes
// the ordinary ones instead.
package elfdeps

import (
	"io"
	"strings"
)

// Root is a tree of files in which libraries are searched. Paths are absolute. They lead through
// symbolic links as they do for a process whose root is the tree.
type Root interface {
	// Open opens the regular file that a path leads to. place is where it lies, without links.
	// The error is [fs.ErrNotExist] if there is none.
	Open(path string) (f File, place string, err error)
	// List returns the names in the directory that a path leads to, sorted, and where it lies.
	// There are none if it leads to anything else.
	List(path string) (names []string, place string)
}

// File is an open file of a root.
type File interface {
	io.ReaderAt
	io.Closer
}

// Library is a library or a loader that has been found.
type Library struct {
	Name  string // as it is asked for
	Path  string // where the loader opens it, absolute
	Place string // where it lies in its root, without links
	Root  int    // index of its root among those of [New]

	// Config is the file that the first root lacks, or that lacks an entry there, so that the
	// loader finds the library: /etc/ld.so.cache, or "".
	Config string
}

// Missing is a library or a loader that no root has.
type Missing struct {
	Name     string
	By       string    // path of the file that asks for it
	Searched []string  // directories, in order
	Unfit    []Library // files of the name that cannot be loaded
	Why      []string  // for each of Unfit: "is for arm64"
}

// Closure is everything that is loaded with a program.
type Closure struct {
	Libraries []Library // the loader and then the libraries in the order of loading
	Missing   []Missing
	Config    string   // configuration of the loader that only a later root has, or ""
	Loader    string   // the loader, or "" for a library for whose machine there is none
	Dirs      []string // its default directories
	Guessed   bool     // Dirs are only the usual ones: the loader is missing or unknown
}

// Resolver finds libraries in roots. It keeps what it has read.
type Resolver struct {
	layers []*layer
}

// layer is a root with what has been read of it.
type layer struct {
	Root
	objects map[string]*Object // by place; nil for a file that is none
	cache   map[string][]string
	conf    []string
	read    bool // cache and conf have been read
}

// New returns a resolver for roots, in the order of the search.
func New(roots ...Root) *Resolver {
	r := &Resolver{}
	for _, root := range roots {
		r.layers = append(r.layers, &layer{Root: root, objects: map[string]*Object{}})
	}
	return r
}

// Libraries returns all libraries that a loader loads for the program or library at path in the
// first root. also names the libraries that the program loads while it runs. The error is
// [ErrNotELF] if the file is neither a program nor a library.
func (r *Resolver) Libraries(path string, also []string) (*Closure, error) {
	o, place, err := r.layers[0].object(path)
	if err != nil {
		return nil, err
	}
	c := &closure{Resolver: r, found: &Closure{}}
	c.program = &loaded{Object: o, path: place, names: []string{o.Soname}}
	c.all = []*loaded{c.program}
	if len(o.Needed)+len(also) == 0 && o.Interpreter == "" {
		return c.found, nil
	}
	c.startLoader()
	c.found.Loader, c.found.Dirs = c.loader.path, c.loader.dirs
	// Breadth first, as all loaders do: it decides which of two files of one name is loaded.
	for i := 0; i < len(c.all); i++ {
		l := c.all[i]
		for _, name := range l.Needed {
			c.load(name, l)
		}
		if l == c.program {
			for _, name := range also {
				c.load(name, l)
			}
		}
	}
	return c.found, nil
}

// object reads the file that a path leads to. The error is [fs.ErrNotExist], [ErrNotELF] or that
// of a file that cannot be read.
func (l *layer) object(name string) (*Object, string, error) {
	f, place, err := l.Open(name)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	if o, ok := l.objects[place]; ok {
		if o == nil {
			err = ErrNotELF
		}
		return o, place, err
	}
	o, err := Read(f)
	if err == nil || err == ErrNotELF {
		l.objects[place] = o
	}
	return o, place, err
}

// absolute returns a path that a program uses. A relative one begins at the root, where the
// first process starts.
func absolute(name string) string {
	if strings.HasPrefix(name, "/") {
		return name
	}
	return "/" + name
}
