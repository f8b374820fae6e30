package builder

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/arch"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// warn notes why the program will not start, if the plan is all that is there. It is
// no error: what a boot loader appends, or init= on the kernel's command line, can make
// up for it.
func (b *build) warn() {
	exec := b.manifest.Init.Exec
	if exec == "" {
		return // "init: none"
	}
	if b.manifest.Root.Type == manifests.None {
		exec = "/init"
	}
	problem := b.unfit(exec, 0)
	if problem == "" {
		return
	}
	b.report.Warnings = append(b.report.Warnings, fmt.Sprintf("%s: init.exec: %s %s", b.manifest.Init.ExecPos, b.withTarget(exec), problem))
}

// withTarget is a path, with its target if it is that of a symbolic link.
func (b *build) withTarget(name string) string {
	for _, e := range b.entries {
		if e.Path == name && e.IsLink() {
			return name + " -> " + e.Target
		}
	}
	return name
}

// maxScripts is how many scripts the kernel takes one for the interpreter of the other.
const maxScripts = 5

// unfit says what keeps execve(2) of a path from success, after so many scripts. It is
// "" for what cannot be read: who writes the image says so.
func (b *build) unfit(name string, scripts int) string {
	file, head, problem := b.executable(name)
	if problem != "" || head == nil {
		return problem
	}
	defer file.Close()
	if line, ok := bytes.CutPrefix(head, []byte("#!")); ok {
		line, _, _ = bytes.Cut(line, []byte("\n"))
		words := strings.FieldsFunc(text(line), func(r rune) bool { return r == ' ' || r == '\t' })
		if len(words) == 0 || scripts == maxScripts {
			return "names no interpreter that the kernel takes"
		}
		if problem := b.unfit(words[0], scripts+1); problem != "" {
			return needs(words[0], problem)
		}
		return ""
	}
	if !bytes.HasPrefix(head, []byte(elf.ELFMAG)) && !bytes.HasPrefix(head, []byte("bFLT")) {
		return "is neither an ELF program nor a #! script"
	}
	program, err := elf.NewFile(file)
	if err != nil {
		return ""
	}
	loader := interpreter(program)
	if loader == "" {
		return ""
	}
	missing := b.missingLibraries(program, loader)
	started, head, problem := b.executable(loader)
	switch {
	case problem == absent:
		missing = slices.Insert(missing, 0, b.withTarget(loader))
	case problem != "":
		return needs(loader, problem)
	case head != nil:
		started.Close()
	}
	switch len(missing) {
	case 0:
		return ""
	case 1:
		return needs(missing[0], absent)
	}
	return needs(strings.Join(missing, ", "), "are not in the root")
}

const absent = "is not in the root"

// executable opens the file that a path leads to and returns what it begins with, or
// says what keeps the kernel from starting it. Without either it cannot be read.
func (b *build) executable(name string) (file body, head []byte, problem string) {
	e := plan.Find(b.entries, name)
	switch {
	case e == nil:
		return file, nil, absent
	case !e.IsFile():
		return file, nil, "is not a regular file"
	case e.Mode&0o111 == 0:
		return file, nil, "is not executable"
	}
	file, err := b.open(e)
	if err != nil {
		return file, nil, ""
	}
	head = make([]byte, min(4096, e.Size))
	if _, err := io.ReadFull(file, head); err != nil {
		file.Close()
		return file, nil, ""
	}
	if h, ok := arch.Parse(head); ok && !h.Runs(b.arch) {
		file.Close()
		b.misfit = b.foreign.name(e)
		return file, nil, "is a program for " + h.String() + ", the image is for " + b.arch
	}
	return file, head, ""
}

// needs says that a problem is one of what the program needs. What a file names may
// have any bytes in it.
func needs(name, problem string) string {
	return "needs " + printable(name) + ", which " + problem
}

// printable is a name with what no terminal should get escaped.
func printable(name string) string {
	quoted := strconv.Quote(name)
	return quoted[1 : len(quoted)-1]
}

// text is what b holds before the first NUL.
func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}
