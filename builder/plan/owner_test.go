package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each half of an owner is the one that was asked for last, as an id or as a name.
func TestOwn(t *testing.T) {
	seven, user, group := uint32(7), Name{"a:1", "app"}, Name{"a:2", "video"}
	shared := &Names{user, group}
	for _, c := range []struct {
		what     string
		uid, gid *uint32
		names    Names
		want     Entry
	}{
		{"nothing", nil, nil, Names{}, Entry{UID: 1, GID: 2, Names: shared}},
		{"an id", &seven, nil, Names{}, Entry{UID: 7, GID: 2, Names: &Names{Group: group}}},
		{"two ids", &seven, &seven, Names{}, Entry{UID: 7, GID: 7, Names: &Names{}}},
		{"a name", nil, nil, Names{User: group}, Entry{UID: 1, GID: 2, Names: &Names{group, group}}},
		{"a name and an id", nil, &seven, Names{User: group}, Entry{UID: 1, GID: 7, Names: &Names{User: group}}},
	} {
		e := Entry{UID: 1, GID: 2, Names: shared}
		e.Own(c.uid, c.gid, c.names)
		if diff := cmp.Diff(c.want, e); diff != "" {
			t.Errorf("%s: -want +got\n%s", c.what, diff)
		}
	}
	if *shared != (Names{user, group}) {
		t.Errorf("names that entries share were changed: %v", shared)
	}
}

// Files stand where nothing else does, also through links. Rules see them.
func TestFiles(t *testing.T) {
	mode := uint32(0o600)
	entries, err := Make([]*Entry{
		{Path: "/etc", Mode: TypeLink | 0o777, Target: "usr/etc"},
		{Path: "/usr/etc/have", Mode: TypeFile | 0o644, Size: 1, Data: Data{Path: "have"}},
		{Path: "/usr/etc/gone", Mode: TypeFile | 0o644},
		{Path: "/usr/etc/link", Mode: TypeLink | 0o777, Target: "nowhere"},
	}, Options{
		RootMode: 0o755, MTime: 5, Remove: []Glob{{Pattern: "/etc/gone"}},
		Permissions: []Permission{{Glob: Glob{Pattern: "/etc/new"}, Mode: &mode}},
		Files: []*Entry{
			{Path: "/etc/new", Mode: TypeFile | 0o644}, {Path: "/etc/have", Mode: TypeFile | 0o640}, {Path: "/etc/gone", Mode: TypeFile | 0o640},
			{Path: "/etc/link", Mode: TypeFile | 0o640}, {Path: "/a/b", Mode: TypeFile | 0o640},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]Entry{
		"/usr/etc/new":  {Mode: TypeFile | 0o600, MTime: 5},
		"/usr/etc/have": {Mode: TypeFile | 0o644, Size: 1},
		"/usr/etc/gone": {Mode: TypeFile | 0o640, MTime: 5},
		"/usr/etc/link": {Mode: TypeLink | 0o777},
		"/a/b":          {Mode: TypeFile | 0o640, MTime: 5},
	} {
		e := At(entries, path)
		if e == nil || e.Mode != want.Mode || e.Size != want.Size || e.MTime != want.MTime {
			t.Errorf("%s: got %+v, want mode %o, size %d, time %d", path, e, want.Mode, want.Size, want.MTime)
		}
	}
	checkPlan(t, entries)
}
