package source

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// firmware is the firmware that the modules of an item name and that the item lacks.
type firmware struct {
	origin  string
	src     string   // directory on the host that lacks it; "" if the item names none
	names   []string // below firmwareTop; some are patterns
	release string   // of the kernel
	hint    string   // or ""
}

// WarnFirmware warns of firmware that modules name and that the entries of a finished plan lack.
func (e *Env) WarnFirmware(entries []*plan.Entry) {
	if e.Warn == nil {
		return
	}
	for _, f := range e.firmware {
		missing := slices.DeleteFunc(slices.Clone(f.names), func(name string) bool { return hasFirmware(entries, f.release, name) })
		if len(missing) == 0 {
			continue
		}
		names := strings.Join(missing[:min(3, len(missing))], ", ")
		if len(missing) > 3 {
			names += fmt.Sprintf(" and %d more", len(missing)-3)
		}
		text := fmt.Sprintf("%s: modules name firmware that is not in %s: %s", f.origin, cmp.Or(f.src, "the root"), names)
		if f.hint != "" {
			text += "\n  " + f.hint
		}
		e.Warn(text)
	}
}

// hasFirmware reports whether a kernel finds firmware in the root. Its name may be a pattern.
func hasFirmware(entries []*plan.Entry, release, name string) bool {
	if !isFirmware(name) {
		return false
	}
	for _, place := range firmwarePlaces(release, name) {
		if plan.Find(entries, place) != nil {
			return true
		}
	}
	dir := plan.Find(entries, firmwareTop)
	return dir != nil && slices.ContainsFunc(entries, func(e *plan.Entry) bool {
		below, ok := strings.CutPrefix(e.Path, dir.Path+"/")
		matched, err := path.Match(name, below)
		return ok && matched && err == nil
	})
}
