package lint

import (
	"bytes"
	"debug/elf"
	"io"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/arch"
	"github.com/mkinitfs/mkinitfs/internal/elfdeps"
)

// program finds out why a program cannot start in a root. A build only warns of that, because
// a boot loader may still append a missing file, and init= on the kernel's command line can
// name another program.
type program struct {
	root     Root
	arch     string      // "" if it is not known: then any machine fits
	anywhere bool        // its libraries may lie anywhere
	misfit   *plan.Entry // the file for another machine, if that is the reason
}

// withTarget returns a path, with its target if it is a symbolic link.
func withTarget(entries []*plan.Entry, name string) string {
	for _, e := range entries {
		if e.Path == name && e.IsLink() {
			return name + " -> " + e.Target
		}
	}
	return name
}

// maxScripts is the number of scripts that the kernel follows as interpreters of each other.
const maxScripts = 5

// unfit returns the reason why execve(2) of a path fails; scripts counts those on the way to
// it. It returns "" for a file that cannot be read, because the stage that packs it reports the
// error.
func (p *program) unfit(name string, scripts int) string {
	file, head, problem := p.executable(name)
	if problem != "" || head == nil {
		return problem
	}
	defer file.Close()
	if words, script := interpreterOf(head); script {
		if len(words) == 0 || scripts == maxScripts {
			return "names no interpreter that the kernel takes"
		}
		if problem := p.unfit(words[0], scripts+1); problem != "" {
			return needs(words[0], problem)
		}
		return ""
	}
	if !bytes.HasPrefix(head, []byte(elf.ELFMAG)) && !bytes.HasPrefix(head, []byte("bFLT")) {
		return "is neither an ELF program nor a #! script"
	}
	o, err := elfdeps.Read(file)
	if err != nil {
		return ""
	}
	if o.Interpreter == "" {
		return ""
	}
	started, head, problem := p.executable(o.Interpreter)
	switch {
	case problem == absent:
	case problem != "":
		return needs(o.Interpreter, problem)
	case head != nil:
		started.Close()
	}
	switch l := missingLibraries(p.root, name); {
	case len(l.absent) == 1:
		return needs(l.absent[0], absent)
	case len(l.absent) > 1:
		return needs(strings.Join(l.absent, ", "), "are not in the root")
	case len(l.astray) == 1 && !p.anywhere:
		return needs(l.astray[0], "is in "+printable(l.where)+", where its loader does not look")
	case len(l.astray) > 1 && !p.anywhere:
		return needs(strings.Join(l.astray, ", "), "are in "+printable(l.where)+" and elsewhere, where its loader does not look")
	}
	return ""
}

const absent = "is not in the root"

// executable opens the file that a path leads to. It returns the file's first bytes, or the
// reason why the kernel does not start it. It returns neither if the file cannot be read.
func (p *program) executable(name string) (file File, head []byte, problem string) {
	e := plan.Find(p.root.Entries(), name)
	switch {
	case e == nil:
		return nil, nil, absent
	case !e.IsFile():
		return nil, nil, "is not a regular file"
	case e.Mode&0o111 == 0:
		return nil, nil, "is not executable"
	}
	file, err := p.root.Open(e)
	if err != nil {
		return nil, nil, ""
	}
	head = make([]byte, min(4096, e.Size))
	if _, err := io.ReadFull(file, head); err != nil {
		file.Close()
		return nil, nil, ""
	}
	if h, ok := arch.Parse(head); ok && p.arch != "" && !h.Runs(p.arch) {
		file.Close()
		p.misfit = e
		return nil, nil, "is a program for " + h.String() + ", the image is for " + p.arch
	}
	return file, head, ""
}

// needs returns the problem of a program that needs a faulty file. The file's name may hold any
// bytes.
func needs(name, problem string) string {
	return "needs " + printable(name) + ", which " + problem
}

// cString returns the bytes before the first NUL.
func cString(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}
