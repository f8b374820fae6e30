package lint

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// leftovers are the files that an export of a container leaves in a root. Some make programs
// such as systemd take the machine for a container. The empty ones were mount points while the
// container ran.
var leftovers = []struct {
	path  string
	empty bool // counts only if it is empty
}{
	{"/.dockerenv", false},
	{"/run/.containerenv", false},
	{"/etc/hostname", true},
	{"/etc/hosts", true},
	{"/etc/resolv.conf", true},
}

// leftoversOfContainer warns about leftovers that came with a tree or an archive.
func leftoversOfContainer(entries []*plan.Entry) string {
	var names, quoted []string
	origin := ""
	for _, left := range leftovers {
		e := plan.Find(entries, left.path)
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
	if names == nil {
		return ""
	}
	return fmt.Sprintf("%s: left over from a container: %s\n  remove: [%s]",
		origin, strings.Join(names, ", "), strings.Join(quoted, ", "))
}
