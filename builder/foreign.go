package builder

import (
	"cmp"
	"debug/elf"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/arch"
)

// foreign finds the programs, libraries and kernel modules of the root that are for
// another machine. It looks at what can be executed, at what lies where a dynamic loader
// looks for libraries, and at modules; it leaves firmware alone, which often is ELF for
// other processors. Members are packed side by side, so that it is told from several
// goroutines.
type foreign struct {
	arch      string
	libraries map[string]bool   // directories of a loader
	modules   []string          // directories of modules
	firmware  []string          // directories of firmware
	linked    map[uint32]string // of files with several names, by Ino: the first that is looked at
	mu        sync.Mutex
	found     map[string]stranger // by path
}

// stranger is a file for another machine.
type stranger struct{ machine, origin string }

// newForeign returns what looks at the files of a finished plan.
func newForeign(arch string, entries []*plan.Entry) *foreign {
	f := &foreign{
		arch:      arch,
		libraries: libraryDirs(entries),
		modules:   present(entries, "/lib/modules", "/usr/lib/modules"),
		firmware:  present(entries, "/lib/firmware", "/usr/lib/firmware"),
		linked:    map[uint32]string{},
		found:     map[string]stranger{},
	}
	for _, e := range entries {
		if e.IsFile() && e.Nlink > 1 && f.linked[e.Ino] == "" && f.concerns(e) {
			f.linked[e.Ino] = e.Path
		}
	}
	return f
}

// present returns where the paths lead that lead to a directory.
func present(entries []*plan.Entry, paths ...string) []string {
	var dirs []string
	for _, p := range paths {
		if e := plan.Find(entries, p); e != nil && e.IsDir() && !slices.Contains(dirs, e.Path) {
			dirs = append(dirs, e.Path)
		}
	}
	return dirs
}

// libraryDirs returns the directories in which glibc, musl and uClibc look for libraries
// unasked: those of each word length, in each a directory per multiarch tuple, and those
// for processors that can do more.
func libraryDirs(entries []*plan.Entry) map[string]bool {
	dirs := map[string]bool{}
	for _, prefix := range []string{"", "/usr", "/usr/local"} {
		for _, name := range []string{"/lib", "/lib32", "/lib64", "/libx32", "/libo32", "/libn32"} {
			for _, dir := range present(entries, prefix+name) {
				dirs[dir] = true
			}
		}
	}
	const hwcaps = "glibc-hwcaps"
	for _, e := range entries { // parents first
		if !e.IsDir() {
			continue
		}
		dir, name := path.Dir(e.Path), path.Base(e.Path)
		switch {
		case dirs[dir] && (strings.Contains(name, "-linux-") || strings.HasPrefix(name, "lp64") || strings.HasPrefix(name, "ilp32")),
			path.Base(dir) == hwcaps && dirs[path.Dir(dir)]:
			dirs[e.Path] = true
		}
	}
	return dirs
}

// concerns reports whether somebody could try to run the file e, or load it.
func (f *foreign) concerns(e *plan.Entry) bool {
	dir := e.Path[:strings.LastIndexByte(e.Path, '/')]
	return (e.Mode&0o111 != 0 || f.libraries[dir] || isModule(e.Path) && below(f.modules, dir)) && !below(f.firmware, dir)
}

// below reports whether dir is one of dirs, or in one.
func below(dirs []string, dir string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool {
		rest, found := strings.CutPrefix(dir, d)
		return found && (rest == "" || rest[0] == '/')
	})
}

// isModule reports whether a file is called as an uncompressed kernel module.
func isModule(name string) bool { return strings.HasSuffix(name, ".ko") }

// name returns what to call the file e, "" if its content is of no concern, as all is if f
// is nil.
func (f *foreign) name(e *plan.Entry) string {
	switch {
	case f == nil || !e.IsFile() || e.Size == 0:
	case e.Nlink > 1:
		return f.linked[e.Ino]
	case f.concerns(e):
		return e.Path
	}
	return ""
}

// look is told what the file called name, which origin asked for, begins with.
func (f *foreign) look(name, origin string, head []byte) {
	h, ok := arch.Parse(head)
	if !ok {
		return
	}
	fits := true
	switch h.Type {
	case elf.ET_EXEC, elf.ET_DYN:
		fits = h.Runs(f.arch)
	case elf.ET_REL: // an object file: the kernel takes modules only
		fits = !isModule(name) || h.Loads(f.arch)
	}
	if !fits {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.found[name] = stranger{h.String(), origin}
	}
}

// open looks at the files without packing them. A file that cannot be read is left for
// the build to report.
func (f *foreign) open(entries []*plan.Entry) {
	buf := make([]byte, arch.HeaderSize)
	for _, e := range entries {
		if name := f.name(e); name != "" && carries(e) {
			head := buf[:min(e.Size, int64(len(buf)))]
			f.look(name, e.Origin, head[:readHead(e.Data, head)])
		}
	}
}

// readHead fills head from the start of a file and returns how many bytes it could read.
func readHead(d plan.Data, head []byte) (n int) {
	if d.At != nil {
		n, _ = d.At.ReadAt(head, d.Offset)
		return n
	}
	fd, err := open(d.Path)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	n, _ = io.ReadFull(descriptor(fd), head)
	return n
}

// beginning passes on what it reads, and keeps the first bytes.
type beginning struct {
	io.Reader
	head [arch.HeaderSize]byte
	n    int
}

// of returns a reader of r, which is r itself if b is nil.
func (b *beginning) of(r io.Reader) io.Reader {
	if b == nil {
		return r
	}
	b.Reader, b.n = r, 0
	return b
}

func (b *beginning) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.n += copy(b.head[b.n:], p[:n])
	return n, err
}

// warnForeign notes the files that were found to be for another machine, unless the only
// one has been named already as what keeps init.exec from starting.
func (b *build) warnForeign() {
	found := map[string]stranger{}
	for name, s := range b.foreign.found {
		found[cmp.Or(b.aside[name], name)] = s
	}
	names := slices.Sorted(maps.Keys(found))
	if len(names) == 0 || len(names) == 1 && names[0] == b.misfit {
		return
	}
	var shown []string
	for _, name := range names[:min(3, len(names))] {
		shown = append(shown, fmt.Sprintf("%s (%s)", printable(name), found[name].machine))
	}
	files := "1 file is for another machine"
	if len(names) > 1 {
		files = fmt.Sprintf("%d files are for other machines", len(names))
	}
	b.warning(fmt.Sprintf("%s: %s, the image is for %s: %s", found[names[0]].origin, files, b.arch, strings.Join(shown, ", ")))
}
