//go:build linux

package main

import (
	"errors"
	"strings"
	"syscall"
)

// findProgram chooses the program: init= if the command line has it and the root has that
// file, else the plan's. argv is the program, the plan's arguments and the kernel's words. A
// program from init= gets the kernel's words only. It serves rescue, so it is root in /.
func (b *boot) findProgram() error {
	if p := b.words.init; p != "" {
		err := checkProgram(b.newroot, p)
		if err == nil {
			b.program, b.argv = p, append([]string{p}, b.args...)
			b.plan.User, b.plan.Groups, b.plan.Workdir = nil, nil, ""
			return nil
		}
		b.warn("init=" + p + " ignored: " + err.Error() + "; starting " + b.plan.Exec)
	}
	b.program = b.plan.Exec
	b.argv = append(append([]string{b.program}, b.plan.Args...), b.args...)
	return checkProgram(b.newroot, b.program)
}

// checkProgram returns an error if execve(2) of path would fail with root as /. A root of ""
// is / itself.
func checkProgram(root, path string) error {
	const images = 7 // five scripts, as many as the kernel takes, a program and its loader
	for range images {
		real, err := resolve(root, path)
		if err != nil {
			return hint(failure("program", path, err), "init.exec has to name a file of the root")
		}
		next, err := checkImage(root + real)
		if err != nil {
			return hint(failure("program", path, err), "init.exec has to be an executable for this machine")
		}
		if next == "" {
			return nil
		}
		if _, err := resolve(root, next); err != nil {
			advice := "add the interpreter or loader to the root, with the libraries it needs"
			if name, dos := strings.CutSuffix(next, "\r"); dos {
				next, advice = name+`\r`, "this script comes from Windows: end its lines with a newline alone"
			}
			return hint(failure("program", path, failure("needs", next, err)), advice)
		}
		path = next
	}
	return failure("program", path, syscall.ELOOP)
}

var (
	errDirectory = errors.New("is a directory")
	errNotFile   = errors.New("is not a regular file")
	errNotExec   = errors.New("is not executable (no x in its mode)")
	errFormat    = errors.New("is neither an ELF program nor a #! script")
)

// checkImage checks one file and returns its interpreter, or "": for a script the program in
// the first line, for a dynamic program the loader.
func checkImage(path string) (interpreter string, err error) {
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		return "", err
	}
	switch {
	case kind(&st) == syscall.S_IFDIR:
		return "", errDirectory
	case kind(&st) != syscall.S_IFREG:
		return "", errNotFile
	case st.Mode&0o111 == 0:
		return "", errNotExec
	}
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer syscall.Close(fd)
	head := make([]byte, 4096)
	n, err := syscall.Pread(fd, head, 0)
	if err != nil {
		return "", err
	}
	head = head[:n]
	switch {
	case strings.HasPrefix(string(head), "#!"):
		if name := scriptInterpreter(head[2:]); name != "" {
			return name, nil
		}
		return "", errFormat
	case strings.HasPrefix(string(head), "\x7fELF"):
		return elfInterpreter(fd, head)
	case strings.HasPrefix(string(head), "bFLT"): // uClinux
		return "", nil
	}
	return "", errFormat
}

// scriptInterpreter returns the first word of line. The kernel separates words at blanks and
// tabs only: a carriage return is part of the name.
func scriptInterpreter(line []byte) string {
	start := 0
	for start < len(line) && (line[start] == ' ' || line[start] == '\t') {
		start++
	}
	end := start
	for end < len(line) && line[end] != ' ' && line[end] != '\t' && line[end] != '\n' && line[end] != 0 {
		end++
	}
	return string(line[start:end])
}
