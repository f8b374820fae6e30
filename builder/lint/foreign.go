package lint

import (
	"debug/elf"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/arch"
	"github.com/mkinitfs/mkinitfs/internal/hostfile"
)

// Foreign finds the programs, libraries and kernel modules of a root that are for another
// machine. It looks at executable files, at files in the directories where a dynamic loader
// looks for libraries, and at modules. It leaves firmware alone, which often is ELF for
// other processors. Several goroutines may use it at once.
type Foreign struct {
	arch      string
	libraries map[string]bool   // directories of a loader
	modules   []string          // directories of modules
	firmware  []string          // directories of firmware
	linked    map[uint32]string // of files with several names, by Ino: the first that is of concern
	told      string            // path of one that another rule has warned of, or ""
	mu        sync.Mutex
	found     map[string]stranger // by path
}

// stranger is a file for another machine.
type stranger struct{ machine, origin string }

func newForeign(arch string, entries []*plan.Entry) *Foreign {
	f := &Foreign{
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

// present returns the directories that the paths lead to.
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
func (f *Foreign) concerns(e *plan.Entry) bool {
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

// name returns the path by which the file e is told of, "" if its content is of no concern.
func (f *Foreign) name(e *plan.Entry) string {
	switch {
	case !e.IsFile() || e.Size == 0:
	case e.Nlink > 1:
		return f.linked[e.Ino]
	case f.concerns(e):
		return e.Path
	}
	return ""
}

// Wants reports whether Look is to see the file e.
func (f *Foreign) Wants(e *plan.Entry) bool { return f.name(e) != "" }

// Look looks at the first bytes of the file e: at least as many as an ELF header has, or
// all of a shorter file.
func (f *Foreign) Look(e *plan.Entry, head []byte) {
	name := f.name(e)
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
		f.found[name] = stranger{h.String(), e.Origin}
	}
}

// Open looks at all files of a plan. It passes over those that cannot be read: the stage
// that packs them says so.
func (f *Foreign) Open(entries []*plan.Entry) {
	buf := make([]byte, arch.HeaderSize)
	for _, e := range entries {
		if e.Data.Path == "" && e.Data.At == nil { // empty, or a further name
			continue
		}
		if f.Wants(e) {
			head := buf[:min(e.Size, int64(len(buf)))]
			f.Look(e, head[:readHead(e.Data, head)])
		}
	}
}

// readHead fills head from the start of a file and returns how many bytes it could read.
func readHead(d plan.Data, head []byte) (n int) {
	if d.At != nil {
		n, _ = d.At.ReadAt(head, d.Offset)
		return n
	}
	file, err := hostfile.Open(d.Path)
	if err != nil {
		return 0
	}
	defer file.Close()
	n, _ = io.ReadFull(file, head)
	return n
}

// Warning returns a warning of the files that were found to be for other machines, "" if
// there are none or another rule has warned of the only one.
func (f *Foreign) Warning() string {
	names := slices.Sorted(maps.Keys(f.found))
	if len(names) == 0 || len(names) == 1 && names[0] == f.told {
		return ""
	}
	var shown []string
	for _, name := range names[:min(3, len(names))] {
		shown = append(shown, fmt.Sprintf("%s (%s)", printable(name), f.found[name].machine))
	}
	files := "1 file is for another machine"
	if len(names) > 1 {
		files = fmt.Sprintf("%d files are for other machines", len(names))
	}
	return fmt.Sprintf("%s: %s, the image is for %s: %s", f.found[names[0]].origin, files, f.arch, strings.Join(shown, ", "))
}
