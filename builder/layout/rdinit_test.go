package layout

import (
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

func TestFollow(t *testing.T) {
	dir, link, file := plan.TypeDir|uint32(0o755), plan.TypeLink|uint32(0o777), plan.TypeFile|uint32(0o644)
	entries := []*plan.Entry{
		{Path: "/", Mode: dir}, {Path: "/bad", Mode: link, Target: "absent"}, {Path: "/file", Mode: file},
		{Path: "/loop", Mode: link, Target: "loop"}, {Path: "/sbin", Mode: link, Target: "usr/sbin"},
		{Path: "/usr", Mode: dir}, {Path: "/usr/sbin", Mode: dir}, {Path: "/usr/sbin/init", Mode: link, Target: "/file"},
	}
	for name, want := range map[string]string{
		"/x":             "/x",
		"/sbin/init":     "/usr/sbin/init",
		"/sbin/init/x":   "/sbin/init is not a directory",
		"/sbin/a/b/c":    "/usr/sbin/a/b/c /usr/sbin/a /usr/sbin/a/b",
		"/a/b":           "/a/b /a",
		"/file/x":        "/file is not a directory",
		"/bad/x":         "/bad is a link that leads nowhere",
		"/bad/x/y":       "/bad is a link that leads nowhere",
		"/loop/x":        "/loop is a link that leads nowhere",
		"/usr/sbin/init": "/usr/sbin/init",
	} {
		place, missing, err := follow(entries, name)
		got := strings.Join(append([]string{place}, missing...), " ")
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
