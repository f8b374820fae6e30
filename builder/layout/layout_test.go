package layout

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// testRoot is a finished plan with an /init of its own.
func testRoot(t *testing.T) []*plan.Entry {
	t.Helper()
	file := func(path, content string, xattrs plan.Xattrs) *plan.Entry {
		return &plan.Entry{
			Path: path, Mode: plan.TypeFile | 0o755, Origin: "m:1:1", Xattrs: xattrs,
			Size: int64(len(content)), Data: plan.Data{At: strings.NewReader(content)},
		}
	}
	entries, err := plan.Make([]*plan.Entry{
		file("/init", "init", nil),
		file("/lib/firmware/a", "a", plan.Xattrs{"user.a": "b"}),
		{Path: "/lib/firmware/b", Target: "/lib/firmware/a", HardLink: true, Origin: "m:1:1"},
		file("/usr/sbin/init", "other", nil),
		{Path: "/sbin", Mode: plan.TypeLink | 0o777, Target: "usr/sbin", Origin: "m:1:1"},
	}, plan.Options{RootMode: 0o755})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func names(items []Item) string {
	var all []string
	for _, it := range items {
		name := it.Name
		if "/"+name != it.Entry.Path && name != "." {
			name += "=" + it.Entry.Path
		}
		all = append(all, name)
	}
	return strings.Join(all, " ")
}

func TestMake(t *testing.T) {
	const (
		root = ". dev dev/console dev/null init lib lib/firmware lib/firmware/a lib/firmware/b sbin usr usr/sbin usr/sbin/init"
		stub = ".mkinitfs .mkinitfs/plan .mkinitfs/kmsg init .mkinitfs/xattrs"
	)
	rdinit := []Name{{"m:2:1", "/sbin/init"}, {"m:2:2", "/new/rd"}, {"m:2:3", "/usr/sbin/init"}}
	for _, test := range []struct {
		options    Options
		root, boot string // names of the items
		rdinit     string
		warning    string
	}{
		{Options{Type: None}, root, "", "", ""},
		{Options{Type: Tmpfs}, root, stub + " dev dev/console dev/null", "", ""},
		{Options{Type: Tmpfs, Boot: []plan.Glob{{Pattern: "/lib/firmware/b"}}}, strings.Replace(root, " lib/firmware/a lib/firmware/b", "", 1),
			stub + " dev dev/console dev/null lib lib/firmware", "", ""},
		{Options{Type: Tmpfs, Boot: []plan.Glob{{Pattern: "/usr/sbin/*"}}, Rdinit: rdinit[2:]}, root,
			stub + " dev dev/console dev/null usr usr/sbin usr/sbin/init", "/usr/sbin/init@/usr/sbin/init",
			"m:2:3: rdinit: the link to the stub takes the place of /usr/sbin/init, which boot names"},
		{Options{Type: Tmpfs, Boot: []plan.Glob{{Pattern: "/sbin/*"}}}, strings.TrimSuffix(root, " usr/sbin/init"),
			stub + " dev dev/console dev/null sbin usr usr/sbin", "", ""},
		{Options{Type: None, Boot: []plan.Glob{{Pattern: "/sbin/init"}, {Pattern: "/lib/firmware/b"}}},
			". dev dev/console dev/null lib lib/firmware sbin usr usr/sbin lib/firmware/a lib/firmware/b usr/sbin/init init", "", "", ""},
		{Options{Type: Bind}, strings.Replace(root, " init", " .mkinitfs/init=/init", 1) + " .mkinitfs/end", stub, "", ""},
		{Options{Type: Bind, Rdinit: rdinit},
			". dev dev/console dev/null .mkinitfs/init=/init lib lib/firmware lib/firmware/a lib/firmware/b new sbin usr usr/sbin" +
				" .mkinitfs/rdinit.0=/usr/sbin/init new/rd usr/sbin/init .mkinitfs/end", stub,
			"/sbin/init@/usr/sbin/init /new/rd@/new/rd /usr/sbin/init@ @/new", ""},
	} {
		entries := testRoot(t)
		var before []plan.Entry
		for _, e := range entries {
			before = append(before, *e)
		}
		var warnings []string
		o := test.options
		o.Stub = bootplan.Plan{Root: o.Type, Xattrs: "auto"}
		o.Window = func(unpacked int64) int64 { return unpacked }
		o.Warn = func(text string) { warnings = append(warnings, text) }
		l, err := Make(entries, o)
		if err != nil {
			t.Fatal(err)
		}
		if len(l.Members) != 1 {
			t.Fatalf("got %d members of a small root, want 1", len(l.Members))
		}
		if got := names(l.Members[0].Items); got != test.root {
			t.Errorf("%s: the root: got\n  %s, want\n  %s", o.Type, got, test.root)
		}
		if test.boot != "" {
			if got := names(l.BootItems([]byte("stub"), nil)); got != test.boot {
				t.Errorf("%s: the boot segment: got\n  %s, want\n  %s", o.Type, got, test.boot)
			}
		}
		p := l.BootPlan([]bootplan.Member{{Unpacked: 3}, {Unpacked: 7}})
		var told []string
		for _, r := range p.Rdinit {
			told = append(told, r.Name+"@"+r.Place)
		}
		if got := strings.Join(told, " "); got != test.rdinit || p.Entries != int64(len(entries)) || p.Window != 7 {
			t.Errorf("%s: the plan has rdinit %s, %d entries and a window of %d, want %s, %d and 7", o.Type, got, p.Entries, p.Window, test.rdinit, len(entries))
		}
		if got := strings.Join(warnings, "\n"); got != test.warning {
			t.Errorf("%s: got warning %q, want %q", o.Type, got, test.warning)
		}
		// The layout must not rename entries of the plan.
		for i, e := range entries {
			if diff := cmp.Diff(fmt.Sprintf("%+v", before[i]), fmt.Sprintf("%+v", *e)); diff != "" {
				t.Errorf("%s: entry %d was changed: %s", o.Type, i, diff)
			}
		}
	}
}

// TestNamed checks that boot patterns are resolved through the links of the root, and that the
// links on the way are named too.
func TestNamed(t *testing.T) {
	link := func(path, target string) *plan.Entry {
		return &plan.Entry{Path: path, Mode: plan.TypeLink | 0o777, Target: target, Origin: "m:1:1"}
	}
	file := func(path string) *plan.Entry {
		return &plan.Entry{Path: path, Mode: plan.TypeFile | 0o644, Origin: "m:1:1"}
	}
	root, err := plan.Make([]*plan.Entry{
		link("/lib", "usr/lib"), link("/usr/lib/firmware/board", "latest/a"), link("/usr/lib/firmware/latest", "/opt/real"),
		link("/opt", "../srv/./opt"), file("/srv/opt/real/a"), link("/bin", "/usr/bin"), link("/usr/bin/sh", "busybox"),
		file("/usr/bin/busybox"), link("/usr/lib/firmware/gone", "nowhere"), link("/loop", "loop"), link("/top", "/"),
	}, plan.Options{RootMode: 0o755})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		patterns []string
		want     string
		warning  string
	}{
		{[]string{"/lib/firmware/board"}, "/lib /usr/lib/firmware/board /usr/lib/firmware/latest /opt /srv/opt/real/a", ""},
		{[]string{"/usr/lib/firmware/board"}, "/usr/lib/firmware/board /usr/lib/firmware/latest /opt /srv/opt/real/a", ""},
		{[]string{"/bin/sh", "/usr/bin/busybox"}, "/bin /usr/bin/sh /usr/bin/busybox", ""},
		{[]string{"/bin"}, "/bin /usr/bin", ""},
		{[]string{"/bin/**"}, "/bin /usr/bin /usr/bin/busybox /usr/bin/sh", ""},
		{[]string{"/top/top/bin/b*"}, "/top /bin /usr/bin/busybox", ""},
		{[]string{"/usr/lib/firmware/g*"}, "/usr/lib/firmware/gone", "m:9:1: boot: /usr/lib/firmware/gone is a link that leads nowhere"},
		{[]string{"/loop"}, "/loop", "m:9:1: boot: /loop is a link that leads nowhere"},
	} {
		var warnings, got []string
		o := Options{Warn: func(text string) { warnings = append(warnings, text) }}
		for _, p := range test.patterns {
			o.Boot = append(o.Boot, plan.Glob{Origin: "m:9:1", Pattern: p})
		}
		entries, err := name(root, o)
		if err != nil {
			t.Error(err)
		}
		for _, e := range entries {
			got = append(got, e.Path)
		}
		if got := strings.Join(got, " "); got != test.want || strings.Join(warnings, "\n") != test.warning {
			t.Errorf("%q: got %s, warnings %q, want %s, %q", test.patterns, got, warnings, test.want, test.warning)
		}
	}
}

// TestOnce checks that a file which boot names is in one archive with all of its names, and in
// no other. A file is stored twice if the stub uses one of its names on rootfs. The table of
// extended attributes has the paths of the root.
func TestOnce(t *testing.T) {
	l, err := Make(testRoot(t), Options{Type: Tmpfs, Boot: []plan.Glob{{Pattern: "/lib/firmware/b"}, {Pattern: "/usr/sbin/init"}},
		Rdinit: []Name{{"m:2:1", "/usr/sbin/init"}}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(l.Once.Items), "lib/firmware/a lib/firmware/b .mkinitfs/end"; got != want {
		t.Errorf("stored once: got %s, want %s", got, want)
	}
	if got := names(l.Members[0].Items); strings.Contains(got, "lib/firmware/") || !strings.Contains(got, "usr/sbin/init") {
		t.Errorf("the member has %s, want /usr/sbin/init and no firmware", got)
	}
	p := l.BootPlan(nil)
	if diff := cmp.Diff([]bootplan.Once{{Path: "/lib/firmware/a", Size: 1}, {Path: "/lib/firmware/b", Size: 1}}, p.Once); diff != "" {
		t.Errorf("the stub is told: -want +got\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/lib/firmware/a", "/lib/firmware/b", "/usr/sbin/init"}, p.Boot); diff != "" {
		t.Errorf("ours on rootfs: -want +got\n%s", diff)
	}
	for _, it := range l.BootItems([]byte("stub"), nil) {
		if e := it.Entry; it.Name == ".mkinitfs/xattrs" {
			table := make([]byte, e.Size)
			if _, err := e.Data.At.ReadAt(table, e.Data.Offset); err != nil {
				t.Fatal(err)
			}
			want := bootplan.MarshalXattrs([]bootplan.Xattr{{Name: "user.a", Value: "b", Paths: []string{"/lib/firmware/a"}}})
			if !bytes.Equal(table, want) {
				t.Errorf("got table of attributes %q, want %q", table, want)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	for want, o := range map[string]Options{
		`m:3:2: /none: matches nothing`:                     {Type: Bind, Boot: []plan.Glob{{Origin: "m:3:2", Pattern: "/none"}}},
		`m:3:1: /none: matches nothing`:                     {Type: Tmpfs, Boot: []plan.Glob{{Origin: "m:3:1", Pattern: "/none"}}},
		`m:4:1: rdinit "/lib": /lib is a directory`:         {Type: Bind, Rdinit: []Name{{"m:4:1", "/lib"}}},
		`m:4:1: rdinit "/init/x": /init is not a directory`: {Type: Bind, Rdinit: []Name{{"m:4:1", "/init/x"}}},
	} {
		_, err := Make(testRoot(t), o)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
	large := []Member{{Items: itemsOf(testRoot(t)), Size: 1 << 32}}
	if err := checkRaw(large); err == nil || !strings.Contains(err.Error(), "too large for root.payload none") {
		t.Errorf("a raw member of 4 GiB: got error %v", err)
	}
}
