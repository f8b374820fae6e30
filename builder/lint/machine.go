package lint

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/arch"
	"github.com/mkinitfs/mkinitfs/internal/elfdeps"
)

// Machine returns the architecture, as in a manifest, of the program that the kernel loads to
// start exec. It follows symbolic links and the interpreters of scripts. The program's loader
// must be for the same architecture.
func Machine(r Root, exec string) (string, error) {
	if exec == "" {
		return "", errors.New("there is no program to go by")
	}
	name := exec
	for range maxScripts + 1 {
		file, head, err := start(r, name)
		if err != nil {
			return "", err
		}
		words, script := interpreterOf(head)
		if !script {
			defer file.Close()
			return machineOf(r, name, file, head)
		}
		file.Close()
		if len(words) == 0 {
			return "", fmt.Errorf("%s names no interpreter", printable(name))
		}
		name = words[0]
	}
	return "", fmt.Errorf("%s: more than %d scripts start each other", printable(exec), maxScripts)
}

// start opens the file that a path leads to and returns its first bytes.
func start(r Root, name string) (File, []byte, error) {
	e := plan.Find(r.Entries(), name)
	switch {
	case e == nil:
		return nil, nil, fmt.Errorf("%s %s", printable(name), absent)
	case !e.IsFile():
		return nil, nil, fmt.Errorf("%s is not a regular file", printable(name))
	}
	file, err := r.Open(e)
	if err != nil {
		return nil, nil, err
	}
	head := make([]byte, min(4096, e.Size))
	if _, err := io.ReadFull(file, head); err != nil {
		file.Close()
		return nil, nil, fmt.Errorf("read %s: %w", printable(name), err)
	}
	return file, head, nil
}

// machineOf returns the architecture of a program. A loader for another architecture is an
// error. A loader that cannot be read is ignored.
func machineOf(r Root, name string, file File, head []byte) (string, error) {
	h, ok := arch.Parse(head)
	if !ok {
		return "", fmt.Errorf("%s is neither an ELF program nor a #! script", printable(name))
	}
	if h.Arch() == "" {
		return "", fmt.Errorf("%s is for %s, for which there is no stub", printable(name), h)
	}
	machine := arch.Name(h.Arch())
	o, err := elfdeps.Read(file)
	if err != nil || o.Interpreter == "" {
		return machine, nil
	}
	loader := o.Interpreter
	started, head, err := start(r, loader)
	if err != nil {
		return machine, nil
	}
	started.Close()
	if other, ok := arch.Parse(head); ok && other.Arch() != h.Arch() {
		return "", fmt.Errorf("%s is for %s, and its loader %s for %s", printable(name), h, printable(loader), other)
	}
	return machine, nil
}

// interpreterOf returns the words behind #!, and whether the file begins with #!.
func interpreterOf(head []byte) (words []string, script bool) {
	line, ok := strings.CutPrefix(string(head), "#!")
	if !ok {
		return nil, false
	}
	line, _, _ = strings.Cut(line, "\n")
	return strings.FieldsFunc(cString([]byte(line)), func(r rune) bool { return r == ' ' || r == '\t' }), true
}
