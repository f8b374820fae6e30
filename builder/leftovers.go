package builder

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// leftovers are what an export of a container leaves in a root: the files by which
// programs, systemd among them, take a machine for a container, and those that were
// mounted over while it ran, which are empty.
var leftovers = []struct {
	path  string
	empty bool // if it is
}{
	{"/.dockerenv", false},
	{"/run/.containerenv", false},
	{"/etc/hostname", true},
	{"/etc/hosts", true},
	{"/etc/resolv.conf", true},
}

// warnLeftovers notes those that came with a tree or an archive.
func (b *build) warnLeftovers() {
	var names, quoted []string
	origin := ""
	for _, left := range leftovers {
		e := plan.Find(b.entries, left.path)
		if e == nil || !e.Brought || left.empty && (!e.IsFile() || e.Size > 0) {
			continue
		}
		if origin == "" {
			origin = e.Origin
		}
		name := left.path
		if left.empty {
			name += " (empty)"
		}
		names, quoted = append(names, name), append(quoted, strconv.Quote(left.path))
	}
	if names != nil {
		b.warning(fmt.Sprintf("%s: left over from a container: %s\n  remove: [%s]",
			origin, strings.Join(names, ", "), strings.Join(quoted, ", ")))
	}
}
