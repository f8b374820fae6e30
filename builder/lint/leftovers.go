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

// containerLeftovers finds leftovers that came with a tree or an archive.
func containerLeftovers(s *subject) *Finding {
	var names, quoted []string
	origin := ""
	for _, left := range leftovers {
		e := plan.Find(s.Entries(), left.path)
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
		return nil
	}
	f := &Finding{Place: origin, Words: "left over from a container: " + strings.Join(names, ", ")}
	if origin != "" {
		f.Hint = fmt.Sprintf("remove: [%s]", strings.Join(quoted, ", "))
	}
	return f
}
