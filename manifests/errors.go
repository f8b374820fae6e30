package manifests

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Error is one problem of a manifest.
type Error struct {
	Pos  Pos
	Msg  string
	Hint string // what to do next; may be empty
}

func (e *Error) Error() string {
	text := e.Pos.String() + ": " + e.Msg
	if e.Hint != "" {
		text += "\n  " + e.Hint
	}
	return text
}

// Errors are all problems that one run found in a manifest, ordered by place. The text has a
// line for each problem and another line for each hint.
type Errors []*Error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// sorted returns problems ordered by place, without repetitions, which come from aliases.
func (e Errors) sorted() Errors {
	slices.SortFunc(e, func(a, b *Error) int {
		return cmp.Or(
			cmp.Compare(a.Pos.File, b.Pos.File),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Col, b.Pos.Col),
			cmp.Compare(a.Msg, b.Msg),
		)
	})
	return slices.CompactFunc(e, func(a, b *Error) bool { return *a == *b })
}

// advice is an error that comes with a hint.
type advice struct {
	error
	hint string
}

// advise is fmt.Errorf for an error with a hint.
func advise(hint, format string, args ...any) error {
	return advice{fmt.Errorf(format, args...), hint}
}

// Hint returns the hint of an error from ParseArch or ParseCompression, or "".
func Hint(err error) string {
	var a advice
	if errors.As(err, &a) {
		return a.hint
	}
	return ""
}

// quote returns text in quotes, cut if it is long.
func quote(text string) string {
	const most = 60
	if len(text) > most {
		return fmt.Sprintf("%.*q...", most, text)
	}
	return fmt.Sprintf("%q", text)
}
