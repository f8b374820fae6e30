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
// machine. It looks at executable files, at files in the library directories of dynamic
// loaders, and at modules. It ignores firmware, which often is ELF for other processors.
// Several goroutines may use it at once.
type Foreign struct {
	arch      string
	libraries map[string]bool   // directories where a loader looks for libraries
	modules   []string          // directories of modules
	firmware  []string          // directories of firmware
	linked    map[uint32]string // of files with several names, by Ino: the first name that matters
	told      string            // path of a file that another rule has warned about, or ""
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

// present returns the directories that the paths lead to, if they exist.
func present(entries []*plan.Entry, paths ...string) []string {
	var dirs []string
	for _, p := range paths {
		if e := plan.Find(entries, p); e != nil && e.IsDir() && !slices.Contains(dirs, e.Path) {
			dirs = append(dirs, e.Path)
		}
	}
	return dirs
}

// libraryDirs returns the default library directories of glibc, musl and uClibc: one for each
// word length, their subdirectories for multiarch tuples, and those for newer processors.
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

// concerns reports whether a system could try to run or load the file e.
func (f *Foreign) concerns(e *plan.Entry) bool {
	dir := e.Path[:strings.LastIndexByte(e.Path, '/')]
	return (e.Mode&0o111 != 0 || f.libraries[dir] || isModule(e.Path) && below(f.modules, dir)) && !below(f.firmware, dir)
}

// below reports whether dir is one of dirs or lies below one.
func below(dirs []string, dir string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool {
		rest, found := strings.CutPrefix(dir, d)
		return found && (rest == "" || rest[0] == '/')
	})
}

// isModule reports whether a file has the name of an uncompressed kernel module.
func isModule(name string) bool { return strings.HasSuffix(name, ".ko") }

// name returns the path of the file e for warnings, or "" if its content does not matter.
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

// Wants reports whether the caller has to pass the file e to [Foreign.Look].
func (f *Foreign) Wants(e *plan.Entry) bool { return f.name(e) != "" }

// Look examines the first bytes of the file e. head holds a whole ELF header or more, or all of
// a shorter file.
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

// Open examines all files of a plan. It skips files that cannot be read, because the stage that
// packs them reports the error.
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

// Findings returns one finding about all files for other machines. It returns nil if there are
// none, or if another rule already tells of the only one.
func (f *Foreign) Findings() []Finding {
	names := slices.Sorted(maps.Keys(f.found))
	if len(names) == 0 || len(names) == 1 && names[0] == f.told {
		return nil
	}
	var shown []string
	for _, name := range names[:min(3, len(names))] {
		shown = append(shown, fmt.Sprintf("%s (%s)", printable(name), f.found[name].machine))
	}
	files := "1 file is for another machine"
	if len(names) > 1 {
		files = fmt.Sprintf("%d files are for other machines", len(names))
	}
	words := fmt.Sprintf("%s, the image is for %s: %s", files, f.arch, strings.Join(shown, ", "))
	return []Finding{*find(foreignMachine).found(f.found[names[0]].origin, words, "")}
}
