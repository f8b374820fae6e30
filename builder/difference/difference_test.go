package difference

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

func file(path string) Entry { return Entry{Path: path, Mode: cpio.TypeFile | 0o644, Size: 3} }

func with(e Entry, change func(e *Entry)) Entry {
	change(&e)
	return e
}

// texts returns the changes as one line each.
func texts(changes []Change) (lines []string) {
	for i := range changes {
		c := &changes[i]
		mark := "~"
		switch {
		case c.B == nil:
			mark = "-"
		case c.A == nil:
			mark = "+"
		}
		line := mark + c.Path()
		for _, a := range c.Attributes {
			line += strings.TrimRight(" "+a.Name+":"+a.Xattr, ":")
		}
		lines = append(lines, line)
	}
	return lines
}

// TestEntriesRows changes one attribute after the other. Without what is found, nothing is.
func TestEntriesRows(t *testing.T) {
	char := Entry{Path: "/c", Mode: cpio.TypeChar | 0o600, Major: 1, Minor: 3}
	link := Entry{Path: "/l", Mode: cpio.TypeLink | 0o777, Target: "a"}
	for _, test := range []struct {
		from   Entry
		change func(e *Entry)
		want   string // "" for no difference
	}{
		{file("/f"), func(e *Entry) {}, ""},
		{file("/f"), func(e *Entry) { e.Mode = cpio.TypeFIFO | 0o644 }, "~/f type"},
		{file("/f"), func(e *Entry) { e.Mode |= 0o4000 }, "~/f mode"},
		{file("/f"), func(e *Entry) { e.UID = 1 }, "~/f owner"},
		{file("/f"), func(e *Entry) { e.GID = 1 }, "~/f owner"},
		{file("/f"), func(e *Entry) { e.GID, e.NoOwner = 1, true }, ""},
		{file("/f"), func(e *Entry) { e.Size = 4 }, "~/f size content"},
		{file("/f"), func(e *Entry) { e.Sum[0] = 1 }, "~/f content"},
		{file("/f"), func(e *Entry) { e.MTime = 1 }, "~/f mtime"},
		{file("/f"), func(e *Entry) { e.Xattrs = map[string]string{"user.x": ""} }, "~/f xattrs:user.x"},
		{
			with(file("/f"), func(e *Entry) { e.Xattrs = map[string]string{"user.a": "1", "user.b": "2", "user.c": "3"} }),
			func(e *Entry) { e.Xattrs = map[string]string{"user.a": "0", "user.b": "2"} }, "~/f xattrs:user.a xattrs:user.c",
		},
		{file("/f"), func(e *Entry) { e.Major, e.Target = 1, "x" }, ""}, // a file has neither
		{char, func(e *Entry) { e.Minor = 4 }, "~/c device"},
		{char, func(e *Entry) { e.Major = 4 }, "~/c device"},
		{link, func(e *Entry) { e.Target = "b" }, "~/l target"},
		{link, func(e *Entry) { e.Size = 9 }, ""}, // the target tells
	} {
		to := with(test.from, test.change)
		changes, n := Entries([]Entry{test.from}, []Entry{to}, nil)
		if got := strings.Join(texts(changes), "; "); got != test.want {
			t.Errorf("%+v: got %q, want %q", to, got, test.want)
		}
		if n.Changed+n.Same != 1 || n.Changed != len(changes) {
			t.Errorf("%+v: got counts %+v for %d changes", to, n, len(changes))
		}
		ignore := map[string]bool{}
		for _, c := range changes {
			for _, a := range c.Attributes {
				ignore[a.Name] = true
			}
		}
		if rest, _ := Entries([]Entry{test.from}, []Entry{to}, ignore); len(rest) > 0 {
			t.Errorf("%+v without %v: got %q", to, ignore, texts(rest))
		}
	}
	size := with(file("/f"), func(e *Entry) { e.Size = 4 })
	changes, _ := Entries([]Entry{file("/f")}, []Entry{size}, map[string]bool{Size: true})
	if got := strings.Join(texts(changes), "; "); got != "~/f content" {
		t.Errorf("without size: got %q", got)
	}
}

func TestEntriesPairs(t *testing.T) {
	list := func(paths string) (all []Entry) {
		for _, p := range strings.Fields(paths) {
			all = append(all, file(p))
		}
		return all
	}
	for _, test := range []struct{ a, b, want string }{
		{"", "", ""},
		{"/a", "", "-/a"},
		{"", "/a", "+/a"},
		{"/a /b /d", "/b /c", "-/a +/c -/d"},
		{"/a /a.b /a/b", "/a /a/b", "-/a.b"},
		{"/b", "/a /c", "+/a -/b +/c"},
	} {
		changes, n := Entries(list(test.a), list(test.b), nil)
		if got := strings.Join(texts(changes), " "); got != test.want {
			t.Errorf("%q and %q: got %q, want %q", test.a, test.b, got, test.want)
		}
		if n.Removed != strings.Count(test.want, "-") || n.Added != strings.Count(test.want, "+") || n.Changed != 0 {
			t.Errorf("%q and %q: got %+v, want the counts of %q", test.a, test.b, n, test.want)
		}
	}
}

// TestEntriesLinks writes groups of hard links as "a=b c": a and b are one file, c another.
func TestEntriesLinks(t *testing.T) {
	list := func(text string) []Entry {
		var all []Entry
		linked := map[string]int64{}
		for i, group := range strings.Fields(text) {
			for _, name := range strings.Split(group, "=") {
				all = append(all, file("/"+name))
				linked["/"+name] = int64(i + 1)
			}
		}
		arrange(all, linked)
		return all
	}
	for _, test := range []struct{ a, b, want string }{
		{"a=b=c", "a=b=c", ""},
		{"a=b c", "a=b=c", "~/c links"},
		{"a=b=c", "a b=c", "~/b links ~/c links"},
		{"a=b=c", "b=c", "-/a"}, // which the others do not notice
		{"b=c", "a=b=c", "+/a"},
		{"a=b c=d", "a=c b=d", "~/b links ~/c links ~/d links"},
		{"a b", "a=b", "~/b links"},
	} {
		changes, _ := Entries(list(test.a), list(test.b), nil)
		if got := strings.Join(texts(changes), " "); got != test.want {
			t.Errorf("%q and %q: got %q, want %q", test.a, test.b, got, test.want)
		}
		if changes, _ := Entries(list(test.a), list(test.b), map[string]bool{Links: true}); strings.Contains(fmt.Sprint(texts(changes)), Links) {
			t.Errorf("%q and %q without links: got %q", test.a, test.b, texts(changes))
		}
	}
}

// TestPlanFacts changes every line of a boot plan that does not follow from the root.
func TestPlanFacts(t *testing.T) {
	p := bootplan.Plan{Root: "tmpfs", Exec: "/sbin/init"}
	for _, test := range []struct {
		change func(p *bootplan.Plan)
		want   string
	}{
		{func(p *bootplan.Plan) { p.Entries, p.Window, p.Blocks[0], p.Mode, p.MTime = 1, 2, 3, 4, 5 }, ""},
		{func(p *bootplan.Plan) {
			p.Members, p.Last, p.Once = []bootplan.Member{{}}, []string{"/a"}, []bootplan.Once{{}}
		}, ""},
		{func(p *bootplan.Plan) { p.Root = "bind" }, "root type: tmpfs -> bind"},
		{func(p *bootplan.Plan) { p.Arch = "arm64" }, "architecture:  -> arm64"},
		{func(p *bootplan.Plan) { p.Payload = "x" }, "payload codec:  -> x"},
		{func(p *bootplan.Plan) { p.Extra = "drop" }, "archives behind the image:  -> drop"},
		{func(p *bootplan.Plan) { p.Xattrs = "required" }, ""},
		{func(p *bootplan.Plan) { p.SELinux = "/p" }, "SELinux policy: none -> /p"},
		{func(p *bootplan.Plan) { p.Size = "60%" }, "size of the root: auto -> 60%"},
		{func(p *bootplan.Plan) { p.Inodes = 7 }, "inodes of the root: auto -> 7"},
		{func(p *bootplan.Plan) { p.Exec = "/bin/sh" }, "program: /sbin/init -> /bin/sh"},
		{func(p *bootplan.Plan) { p.Args = []string{"a b", "c"} }, `arguments: none -> "a b" c`},
		{func(p *bootplan.Plan) { p.Env = []string{"A=b"} }, "environment: none -> A=b"},
		{func(p *bootplan.Plan) { p.User, p.Groups = &bootplan.User{UID: 1, GID: 2, Home: "/h"}, []uint32{3, 4} }, "user: root -> 1:2, groups [3 4], home /h"},
		{func(p *bootplan.Plan) { p.Workdir = "/srv" }, "working directory: / -> /srv"},
		{func(p *bootplan.Plan) { p.Mounts = []bootplan.Mount{{Type: "proc", Source: "proc", Target: "/proc"}} }, "mounts: none -> /proc (proc proc without options)"},
		{func(p *bootplan.Plan) {
			p.Modules = []bootplan.Module{{Path: "/a.ko", Required: true}, {Path: "/b.ko"}}
		}, "modules: none -> /a.ko (required), /b.ko"},
		{func(p *bootplan.Plan) { p.OnError = "reboot" }, "on error:  -> reboot"},
		{func(p *bootplan.Plan) { p.Cmdline = "ignore" }, "kernel command line:  -> ignore"},
		{func(p *bootplan.Plan) { p.OnExit, p.Delay = "restart", 5 }, "supervision: none -> restart when the program ends, first restart after 5 ms"},
		{func(p *bootplan.Plan) { p.Boot = []string{"/lib/a"} }, "kept for drivers: none -> /lib/a"},
		{func(p *bootplan.Plan) { p.Rdinit = []bootplan.Rdinit{{Name: "/linuxrc"}, {Place: "/x"}} }, "names for rdinit=: none -> /linuxrc"},
	} {
		changed := p
		test.change(&changed)
		var lines []string
		for _, d := range plans(&p, &changed) {
			lines = append(lines, fmt.Sprintf("%s: %s -> %s", d.Name, d.A, d.B))
		}
		if diff := cmp.Diff(test.want, strings.Join(lines, "; ")); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	for _, test := range []struct{ a, b *bootplan.Plan }{{nil, &p}, {&p, nil}} {
		if got := plans(test.a, test.b); len(got) != 1 || got[0].Name != "stub" {
			t.Errorf("got %v, want one line about the stub", got)
		}
	}
	auto, required := bootplan.Plan{Xattrs: "auto"}, bootplan.Plan{Xattrs: "required"}
	if got := plans(&auto, &required); len(got) != 1 || got[0] != (FactChange{"extended attributes", "auto", "required"}) {
		t.Errorf("got %v, want one line about extended attributes", got)
	}
	if got := plans(nil, nil); got != nil {
		t.Errorf("got %v for two images without a stub", got)
	}
}

// TestPlanFields sets every field of a boot plan: a difference shows, unless the field follows
// from the root and its packing.
func TestPlanFields(t *testing.T) {
	follows := []string{"Mode", "MTime", "Once", "Entries", "Window", "Blocks", "Last", "Members"}
	apart := map[string]func(a, b *bootplan.Plan){
		"Xattrs": func(a, b *bootplan.Plan) { a.Xattrs, b.Xattrs = "auto", "required" },
		"Delay":  func(a, b *bootplan.Plan) { a.OnExit, b.OnExit, b.Delay = "restart", "restart", 1 },
		"Groups": func(a, b *bootplan.Plan) {
			a.User, b.User, b.Groups = &bootplan.User{UID: 1}, &bootplan.User{UID: 1}, []uint32{7}
		},
		"Rdinit": func(a, b *bootplan.Plan) { b.Rdinit = []bootplan.Rdinit{{Name: "/linuxrc"}} },
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[bootplan.Plan]()) {
		var a, b bootplan.Plan
		v := reflect.ValueOf(&b).Elem().FieldByIndex(field.Index)
		if change := apart[field.Name]; change != nil {
			change(&a, &b)
		} else {
			switch v.Kind() {
			case reflect.String:
				v.SetString("x")
			case reflect.Int64:
				v.SetInt(7)
			case reflect.Uint32:
				v.SetUint(7)
			case reflect.Slice:
				v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			case reflect.Pointer:
				v.Set(reflect.New(v.Type().Elem()))
			}
		}
		got := plans(&a, &b)
		if want := !slices.Contains(follows, field.Name); (len(got) > 0) != want {
			t.Errorf("%s: got %v", field.Name, got)
		}
	}
}

func TestFactsOrder(t *testing.T) {
	long := []Fact{{"a", "1"}, {"b", "2"}, {"c", "3"}}
	got := Facts(long, long[:1])
	if diff := cmp.Diff([]FactChange{{"b", "2", ""}, {"c", "3", ""}}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	got = Facts(long[1:], long)
	if diff := cmp.Diff([]FactChange{{"a", "", "1"}}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestIsText(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, "a\tb\n": true, "grüße\r\n": true, "a\rb": false, "a\r": false, "\x1b[2J": false, "a\x00": false, "\xff": false,
		"\u0085": false, "\ufffd": true,
	} {
		if got := isText([]byte(text)); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

// Every attribute that can be ignored is one that Entries or Of knows.
func TestIgnorable(t *testing.T) {
	names := Ignorable()
	slices.Sort(names)
	want := []string{Beside, Content, Device, Links, Mode, MTime, Owner, Plan, Segments, Size, Target, Type, Xattrs}
	slices.Sort(want)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
