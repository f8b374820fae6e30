package builder

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/builder/stub"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// warn notes why the program will not start, if the plan is all that is there. It is
// no error: what a boot loader appends, or init= on the kernel's command line, can make
// up for it.
func (b *build) warn() {
	exec := b.manifest.Init.Exec
	if b.manifest.Root.Type == manifests.None {
		exec = "/init"
	}
	problem := b.unfit(exec, 0)
	if problem == "" {
		return
	}
	if i := slices.IndexFunc(b.entries, func(e *plan.Entry) bool { return e.Path == exec }); i >= 0 && b.entries[i].IsLink() {
		exec += " -> " + b.entries[i].Target
	}
	b.report.Warnings = append(b.report.Warnings, fmt.Sprintf("%s: init.exec: %s %s", b.manifest.Init.ExecPos, exec, problem))
}

// maxScripts is how many scripts the kernel takes one for the interpreter of the other.
const maxScripts = 5

// unfit says what keeps execve(2) of a path from success, after so many scripts. It is
// "" for what cannot be read: who writes the image says so.
func (b *build) unfit(name string, scripts int) string {
	e := plan.Find(b.entries, name)
	switch {
	case e == nil:
		return "is not in the root"
	case !e.IsFile():
		return "is not a regular file"
	case e.Mode&0o111 == 0:
		return "is not executable"
	}
	file, err := b.open(e)
	if err != nil {
		return ""
	}
	defer file.Close()
	head := make([]byte, min(4096, e.Size))
	if _, err := file.ReadAt(head, 0); err != nil && err != io.EOF {
		return ""
	}
	if line, ok := bytes.CutPrefix(head, []byte("#!")); ok {
		line, _, _ = bytes.Cut(line, []byte("\n"))
		words := strings.FieldsFunc(string(line), func(r rune) bool { return r == ' ' || r == '\t' })
		if len(words) == 0 || scripts == maxScripts {
			return "names no interpreter that the kernel takes"
		}
		return needs(words[0], b.unfit(words[0], scripts+1))
	}
	if arch := stub.Foreign(b.arch, head); arch != "" {
		return "is a program for " + arch + ", the image is for " + b.arch
	}
	program, err := elf.NewFile(file)
	if err != nil {
		return ""
	}
	loader := interpreter(program)
	if loader == "" {
		return ""
	}
	if problem := b.unfit(loader, maxScripts); problem != "" {
		return needs(loader, problem)
	}
	switch missing := b.missingLibraries(program, loader); len(missing) {
	case 0:
		return ""
	case 1:
		return needs(missing[0], "is not in the root")
	default:
		return needs(strings.Join(missing, ", "), "are not in the root")
	}
}

// needs says that a problem is one of what the program needs.
func needs(name, problem string) string {
	if problem == "" {
		return ""
	}
	return fmt.Sprintf("needs %s, which %s", strings.ReplaceAll(name, "\r", `\r`), problem)
}

// interpreter is the loader of a dynamic program, "" of a static one.
func interpreter(program *elf.File) string {
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP {
			name, _ := io.ReadAll(io.LimitReader(p.Open(), 4096))
			return string(bytes.TrimRight(name, "\x00"))
		}
	}
	return ""
}

// missingLibraries returns the libraries that a program and its libraries name and no
// file of the root is called. In which of its folders the loader looks is
// the loader's own affair.
func (b *build) missingLibraries(program *elf.File, loader string) []string {
	needed, _ := program.ImportedLibraries()
	seen := map[string]bool{path.Base(loader): true}
	var missing []string
	for len(needed) > 0 {
		wanted := map[string]*plan.Entry{}
		for _, name := range needed {
			if name = path.Base(name); !seen[name] && !(strings.HasPrefix(path.Base(loader), "ld-musl-") && inMusl(name)) {
				wanted[name] = nil
			}
			seen[name] = true
		}
		for _, e := range b.entries {
			if had, ok := wanted[path.Base(e.Path)]; ok && had == nil {
				wanted[path.Base(e.Path)] = plan.Find(b.entries, e.Path)
			}
		}
		needed = nil
		for name, e := range wanted {
			if e == nil {
				missing = append(missing, name)
				continue
			}
			needed = append(needed, b.libraries(e)...)
		}
	}
	slices.Sort(missing)
	return missing
}

// libraries are those that a library names itself.
func (b *build) libraries(e *plan.Entry) []string {
	file, err := b.open(e)
	if err != nil {
		return nil
	}
	defer file.Close()
	library, err := elf.NewFile(file)
	if err != nil {
		return nil
	}
	names, _ := library.ImportedLibraries()
	return names
}

// inMusl reports whether musl's loader is the library itself, by its
// ldso/dynlink.c.
func inMusl(library string) bool {
	name, _, _ := strings.Cut(library, ".")
	switch name {
	case "libc", "libpthread", "librt", "libm", "libdl", "libutil", "libxnet":
		return true
	}
	return false
}
