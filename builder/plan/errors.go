package plan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Error is one problem of a plan, or of a source.
type Error struct {
	Origin string // where the entry was asked for
	Path   string // of the entry or of the file on the host, or a pattern
	Msg    string
	Hint   string // what to do about it, or ""
	Cause  error  // what Msg tells, if a caller may want to know; or nil
}

func (e *Error) Unwrap() error { return e.Cause }

func (e *Error) Error() string {
	var b strings.Builder
	if e.Origin != "" {
		b.WriteString(e.Origin + ": ")
	}
	path := e.Path
	if strings.ContainsFunc(path, unicode.IsControl) {
		path = strconv.Quote(path)
	}
	b.WriteString(path + ": " + e.Msg)
	if e.Hint != "" {
		b.WriteString("\n  " + e.Hint)
	}
	return b.String()
}

// Errors are all problems of a plan, sorted by origin and path.
type Errors []*Error

// perOrigin is how many problems of one item are shown: two conflicting trees would otherwise
// fill the screen.
const perOrigin = 20

func (list Errors) Error() string {
	var lines []string
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Origin == list[0].Origin {
			n++
		}
		for _, e := range list[:min(n, perOrigin)] {
			lines = append(lines, e.Error())
		}
		if n > perOrigin {
			lines = append(lines, fmt.Sprintf("%s: %d more problems like these", list[0].Origin, n-perOrigin))
		}
		list = list[n:]
	}
	return strings.Join(lines, "\n")
}

// Add appends the problems that err holds. It returns any other error.
func (e *Errors) Add(err error) error {
	var more Errors
	if errors.As(err, &more) {
		*e = append(*e, more...)
		return nil
	}
	return err
}

// Unwrap returns the problems, one by one.
func (list Errors) Unwrap() []error {
	errs := make([]error, len(list))
	for i, e := range list {
		errs[i] = e
	}
	return errs
}

// Sorted sorts the list and returns it as an error: nil if there is no problem.
func (list Errors) Sorted() error {
	if len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, func(a, b *Error) int {
		return cmp.Or(natural(a.Origin, b.Origin), strings.Compare(a.Path, b.Path), strings.Compare(a.Msg, b.Msg))
	})
	return list
}

// natural compares a and b with their runs of digits taken as numbers, so that
// line 9 comes before line 10.
func natural(a, b string) int {
	for a != "" && b != "" {
		da, db := digits(a), digits(b)
		if da == 0 || db == 0 {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		na, nb := strings.TrimLeft(a[:da], "0"), strings.TrimLeft(b[:db], "0")
		if c := cmp.Or(cmp.Compare(len(na), len(nb)), strings.Compare(na, nb)); c != 0 {
			return c
		}
		a, b = a[da:], b[db:]
	}
	return cmp.Compare(len(a), len(b))
}

// digits is how many digits s starts with.
func digits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}

// fail notes a problem with e.
func (p *planner) fail(e *Entry, hint, format string, args ...any) {
	p.problems = append(p.problems, &Error{Origin: e.Origin, Path: p.shown(e), Msg: fmt.Sprintf(format, args...), Hint: hint})
}

// shown is e's path as its author knows it, with the other name where links
// have led elsewhere.
func (p *planner) shown(e *Entry) string {
	if asked, ok := p.asked[e.Ino]; ok {
		return asked + " (" + e.Path + " in the image)"
	}
	return e.Path
}

// place names the origin of e, for a message about another entry.
func place(e *Entry) string {
	if e.Origin == "" {
		return "by default"
	}
	return "at " + e.Origin
}

// kind names e's type.
func kind(e *Entry) string {
	switch e.Mode & TypeMask {
	case TypeSocket:
		return "a socket"
	case TypeLink:
		return "a symbolic link"
	case TypeFile:
		return "a file"
	case TypeBlock:
		return "a block device"
	case TypeDir:
		return "a directory"
	case TypeChar:
		return "a character device"
	case TypeFIFO:
		return "a FIFO"
	}
	return fmt.Sprintf("of an unknown type, mode %#o", e.Mode)
}
