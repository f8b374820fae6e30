// Package lint checks the root of an image with rules. They find likely mistakes, and reasons
// why the root's program cannot start.
//
// A rule is a row of [Rules]. Its check knows neither the manifest nor the format of an image,
// so it works on any [Root]. [Foreign] reads many files and therefore examines them while they
// are packed. Findings of the reader have rows of their own, [ReaderRules].
package lint

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// Root is a root to check.
type Root interface {
	// Entries returns all entries as a finished plan has them: sorted, parents first.
	Entries() []*plan.Entry
	// Open opens the regular file e. The caller closes it.
	Open(e *plan.Entry) (File, error)
}

// File is an open file of a root.
type File interface {
	io.Reader
	io.ReaderAt
	io.Closer
}

// Options are the inputs of the rules beside the root.
type Options struct {
	Arch       string   // of the machine, as in a manifest
	Exec       string   // the program that it starts with, or ""
	Env        []string // its environment, each NAME=value
	ExecOrigin string   // place of Exec in the manifest: "root.yaml:3:14"; "" for an image
	Appended   bool     // the image is appended to another one
}

// subject is what a rule looks at.
type subject struct {
	Root
	Options
	program *program
}

// Check returns a finding for each rule that the root breaks, and a [Foreign] for its files.
func Check(r Root, o Options) (findings []Finding, foreign *Foreign) {
	p := &program{root: r, arch: o.Arch}
	p.anywhere = slices.ContainsFunc(o.Env, func(variable string) bool { return strings.HasPrefix(variable, "LD_LIBRARY_PATH=") })
	s := &subject{r, o, p}
	for _, rule := range Rules() {
		if rule.check == nil {
			continue
		}
		f := rule.check(s)
		if f == nil {
			continue
		}
		f.Code, f.Severity, f.Cure = rule.Code, rule.severity(o.Appended), rule.Cure
		findings = append(findings, *f)
	}
	foreign = newForeign(o.Arch, r.Entries())
	if p.misfit != nil {
		foreign.told = foreign.name(p.misfit)
	}
	return findings, foreign
}

// severity returns the severity for an image that is appended to another one or not.
func (r Rule) severity(appended bool) Severity {
	if appended && r.Appended != "" {
		return r.Appended
	}
	return r.Severity
}

// programCannotStart looks at the program that the image starts.
func programCannotStart(s *subject) *Finding {
	if s.Exec == "" { // "init: none"
		return nil
	}
	problem := s.program.unfit(s.Exec, 0)
	if problem == "" {
		return nil
	}
	f := &Finding{Place: s.ExecOrigin, Words: printable(withTarget(s.Entries(), s.Exec)) + " " + problem}
	if s.ExecOrigin == "" {
		return f
	}
	f.Words = "init.exec: " + f.Words
	if problem == absent && strings.Contains(s.Exec, " ") {
		f.Hint = "init.exec is a path: put arguments into init.args"
	}
	return f
}

// Planned is a root whose files lie on the host still.
type Planned []*plan.Entry

// Entries returns the plan.
func (p Planned) Entries() []*plan.Entry { return p }

// Open opens the content of e.
func (p Planned) Open(e *plan.Entry) (File, error) {
	d := e.Content()
	if d.Path != "" {
		f, err := os.Open(d.Path)
		return file{io.NewSectionReader(f, 0, e.Size), f}, err
	}
	if d.At == nil {
		d.At = bytes.NewReader(nil)
	}
	return file{io.NewSectionReader(d.At, d.Offset, e.Size), io.NopCloser(nil)}, nil
}

// mostRead bounds the bytes of a file that is read as a whole.
const mostRead = 64 << 20

// Read returns the content of the file that a path leads to.
func (p Planned) Read(path string) ([]byte, error) {
	e := plan.Find(p, path)
	var err error
	switch {
	case e == nil:
		err = fs.ErrNotExist
	case !e.IsFile():
		err = errors.New("not a regular file")
	case e.Size > mostRead:
		err = errors.New("larger than 64 MiB")
	}
	if err != nil {
		return nil, &fs.PathError{Op: "read in the root", Path: path, Err: err}
	}
	f, err := p.Open(e)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

type file struct {
	*io.SectionReader
	io.Closer
}

// printable escapes the bytes of a name that are unsafe for a terminal.
func printable(name string) string {
	quoted := strconv.Quote(name)
	return quoted[1 : len(quoted)-1]
}
