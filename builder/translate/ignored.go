package translate

import (
	"fmt"
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/lint"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// Ignored returns the codes of the rules that the manifest ignores. An unknown code is an
// error.
func Ignored(m *manifests.Manifest) (codes []string, err error) {
	known := lint.Codes()
	var errs manifests.Errors
	for _, c := range m.Lint.Ignore {
		codes = append(codes, c.Code)
		if slices.Contains(known, c.Code) {
			continue
		}
		msg := fmt.Sprintf("lint.ignore: unknown code %q", c.Code)
		if near := manifests.Nearest(c.Code, known); near != "" {
			msg += fmt.Sprintf(" (did you mean %q?)", near)
		}
		errs = append(errs, &manifests.Error{Pos: c.Pos, Msg: msg, Hint: "lint prints the code of each finding in brackets"})
	}
	if errs != nil {
		return nil, errs
	}
	return codes, nil
}
