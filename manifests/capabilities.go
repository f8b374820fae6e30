package manifests

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/mkinitfs/mkinitfs/internal/filecaps"
)

var capabilitiesSection = Section{Path: "capabilities", Keys: []Key{
	{Name: "caps", Kind: KindCaps, Required: true, Doc: "The capabilities, in clauses."},
	{Name: "rootid", Kind: KindNumber, Otherwise: "the machine's own root", Doc: "A user id; the capabilities hold in user namespaces where this user is root."},
}}

// capabilities returns the value of the extended attribute for the key capabilities. The key
// takes a list of clauses as in cap_from_text(3), or a mapping with such a list (caps) and
// rootid.
func (o *object) capabilities() (string, bool) {
	n := o.get("capabilities")
	if n == nil {
		return "", false
	}
	var sets filecaps.Sets
	caps := n
	if n.kind == mapping {
		m := o.object(n, "capabilities", &capabilitiesSection)
		m.require("capabilities")
		set(m, "rootid", &sets.RootID, parseRootID)
		if caps = m.get("caps"); caps == nil {
			return "", false
		}
	}
	clauses := []*node{caps}
	if caps.kind == list {
		clauses = caps.items
	}
	ok := len(clauses) > 0
	if !ok {
		o.errorf(caps.pos, "capabilities: want clauses, such as cap_net_raw+ep")
	}
	for _, clause := range clauses {
		_, good := take(o.decoder, clause, "capabilities", func(text string) (struct{}, error) {
			err := sets.Apply(text)
			if name, unknownName := errors.AsType[filecaps.UnknownError](err); unknownName {
				err = unknownCapability(string(name))
			} else if err != nil {
				err = advise("", "capabilities %s: %w", quote(text), err)
			}
			return struct{}{}, err
		})
		ok = ok && good
	}
	if !ok {
		return "", false
	}
	value, err := sets.Value()
	if err != nil {
		o.errorf(caps.pos, "capabilities: %w", err)
	}
	return value, err == nil
}

// unknownCapability returns an error that suggests the nearest capability, or says where all
// are listed.
func unknownCapability(name string) error {
	full := "cap_" + strings.TrimPrefix(name, "cap_")
	if near := Nearest(full, filecaps.Names()); near != "" {
		return fmt.Errorf("unknown capability %s (did you mean %q?)", quote(name), near)
	}
	return advise("capabilities(7) lists them", "unknown capability %s", quote(name))
}

// parseRootID reads the id of the user that is root in a user namespace.
func parseRootID(text string) (uint32, error) {
	id, err := strconv.ParseUint(text, 10, 32)
	if err != nil || id == 0 || id == math.MaxUint32 {
		return 0, errors.New("want the id of a user, above 0")
	}
	return uint32(id), nil
}
