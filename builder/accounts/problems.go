package accounts

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/manifests"
)

// problems are errors in the order of their places.
type problems struct{ errs manifests.Errors }

// fail adds an error for the value of a key, "" for the key as a whole. A line of err behind the
// first is the hint.
func (p *problems) fail(pos manifests.Pos, key, value string, err error) {
	if value != "" {
		key += fmt.Sprintf(" %q", value)
	}
	msg, hint, _ := strings.Cut(err.Error(), "\n  ")
	p.errs = append(p.errs, &manifests.Error{Pos: pos, Msg: key + ": " + msg, Hint: hint})
}

// sorted returns the errors, nil for none.
func (p *problems) sorted() error {
	if len(p.errs) == 0 {
		return nil
	}
	slices.SortStableFunc(p.errs, func(a, b *manifests.Error) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col))
	})
	return p.errs
}
