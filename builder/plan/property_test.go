package plan

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// random makes entries that do not depend on their order: no two for one path,
// except directories that agree.
func random(r *rand.Rand) []*Entry {
	names := []string{"a", "b", "a-b", "a.b", "B", "ä"}
	var entries []*Entry
	var files []string
	seen := map[string]bool{}
	for range 60 {
		path := ""
		for range 1 + r.IntN(4) {
			path += "/" + names[r.IntN(len(names))]
		}
		inFile := slices.ContainsFunc(files, func(f string) bool { return strings.HasPrefix(path, f+"/") })
		if seen[path] || inFile {
			continue
		}
		for up := path; up != "/"; up = parent(up) {
			seen[up] = true
		}
		e := &Entry{Path: path, Mode: TypeFile | 0o644, Size: 1, Data: Data{Path: path}, Origin: "m:" + path}
		switch kind := r.IntN(6); {
		case kind == 0:
			e = &Entry{Path: path, Mode: TypeDir | 0o700}
		case kind == 1:
			e = &Entry{Path: path, Mode: TypeLink | 0o777, Target: "/nowhere"}
			files = append(files, path)
		case kind == 2 && len(files) > 0:
			e = &Entry{Path: path, HardLink: true, Target: files[r.IntN(len(files))]}
			files = append(files, path)
		default:
			files = append(files, path)
		}
		entries = append(entries, e)
	}
	return append(entries, &Entry{Path: "/linked", Mode: TypeLink, Target: "/real"}, &Entry{Path: "/linked/x", Mode: TypeFile})
}

func TestPlansAreWellFormed(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		entries := random(r)
		want, err := Make(clone(entries), Options{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		checkPlan(t, want)
		r.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
		got, err := Make(entries, Options{})
		if err != nil {
			t.Fatalf("seed %d, shuffled: %v", seed, err)
		}
		if diff := gocmp.Diff(format(want, true), format(got, true)); diff != "" {
			t.Fatalf("seed %d: the order of independent entries matters: -want +got:\n%s", seed, diff)
		}
	}
}

// checkPlan holds what every plan promises.
func checkPlan(t *testing.T, entries []*Entry) {
	t.Helper()
	at := map[string]*Entry{}
	names := map[uint32][]*Entry{}
	last := uint32(0)
	for i := range entries {
		e := entries[i]
		if i > 0 && entries[i-1].Path >= e.Path {
			t.Errorf("%s comes after %s", e.Path, entries[i-1].Path)
		}
		if up := at[parent(e.Path)]; e.Path != "/" && (up == nil || !up.IsDir()) {
			t.Errorf("%s: no parent before it", e.Path)
		}
		if e.HardLink {
			t.Errorf("%s: still a hard link", e.Path)
		}
		at[e.Path] = e
		if names[e.Ino] == nil {
			if last++; e.Ino != last {
				t.Errorf("%s: got ino %d, want %d", e.Path, e.Ino, last)
			}
		}
		names[e.Ino] = append(names[e.Ino], e)
	}
	for ino, list := range names {
		for i, e := range list {
			if want := uint32(len(list)); !e.IsDir() && e.Nlink != want {
				t.Errorf("%s: got %d names, want %d", e.Path, e.Nlink, want)
			}
			if hasData := e.Data != (Data{}); hasData != (i == 0 && e.Size > 0) {
				t.Errorf("%s: name %d of inode %d: got content %v", e.Path, i, ino, hasData)
			}
			if e.Mode != list[0].Mode || e.Size != list[0].Size {
				t.Errorf("%s: mode or size differs from %s", e.Path, list[0].Path)
			}
		}
	}
}

func TestLengths(t *testing.T) {
	long := func(n int) string { return strings.Repeat("/"+strings.Repeat("x", 200), n/201+1)[:n] }
	tests := []struct {
		entry Entry
		want  string
	}{
		{Entry{Path: long(4096), Mode: TypeFile}, ""},
		{Entry{Path: long(4097), Mode: TypeFile}, "a path of 4096 bytes, where Linux takes 4095 at most"},
		{Entry{Path: "/" + strings.Repeat("y", 255), Mode: TypeFile}, ""},
		{Entry{Path: "/d/" + strings.Repeat("y", 256), Mode: TypeFile}, "a name of 256 bytes, where Linux takes 255 at most"},
		{Entry{Path: "/l", Mode: TypeLink, Target: strings.Repeat("z", 4095)}, ""},
		{Entry{Path: "/l", Mode: TypeLink, Target: strings.Repeat("z", 4096)}, "a link target of 4096 bytes, where Linux takes 4095 at most"},
		{Entry{Path: "/x", Mode: TypeFile, Xattrs: Xattrs{"user." + strings.Repeat("x", 251): ""}}, "the name of an extended attribute of 256 bytes, where Linux takes 255 at most"},
		{Entry{Path: "/x", Mode: TypeFile, Xattrs: Xattrs{"user.x": strings.Repeat("x", 1<<16+1)}}, "user.x of 65537 bytes, where Linux takes 65536 at most"},
		{Entry{Path: "/l", Mode: TypeLink, Target: "a\x00b"}, "a NUL byte in the link target"},
		{Entry{Path: "/a\x00b", Mode: TypeFile}, "a NUL byte in the path"},
	}
	for _, test := range tests {
		_, err := Make([]*Entry{&test.entry}, Options{})
		got := ""
		if err != nil {
			got = err.(Errors)[0].Msg
		}
		if got != test.want {
			t.Errorf("%.20q, %d bytes: got %q, want %q", test.entry.Path, len(test.entry.Path), got, test.want)
		}
	}
}

func TestManyLinks(t *testing.T) {
	chain := func(n int) []*Entry {
		entries := []*Entry{{Path: "/0/x", Mode: TypeFile}}
		for i := range n {
			entries = append(entries, &Entry{Path: fmt.Sprintf("/%d", i), Mode: TypeLink, Target: fmt.Sprint(i + 1)})
		}
		return entries
	}
	if _, err := Make(chain(40), Options{}); err != nil {
		t.Errorf("40 links: got error %v, want none", err)
	}
	if _, err := Make(chain(41), Options{}); err == nil {
		t.Error("41 links: got no error, want one, as from the kernel")
	}
}

// A few paths (and the root) cannot ask for more directories than memory has room for.
func TestMissingDirectories(t *testing.T) {
	var entries []*Entry
	for i := range 100 {
		entries = append(entries, &Entry{Path: fmt.Sprintf("/%d%s", i, strings.Repeat("/d", 1000)), Mode: TypeFile, Origin: "m:1"})
	}
	_, err := Make(entries, Options{})
	if err == nil || !strings.HasSuffix(err.Error(), ": 65940 directories are missing up to here, more than any root has") {
		t.Errorf("got the error %.300v, want one about missing directories", err)
	}
}

func TestManyDirectoriesWithLinks(t *testing.T) {
	table := linkTable{links: map[string]link{"/l": {target: "x"}}, directories: map[string]outcome{}}
	for i := range 100 {
		path := fmt.Sprintf("/l/%d%s", i, strings.Repeat("/d", 1000))
		if got, err := table.place(path); err != nil || got != "/x"+path[len("/l"):] {
			t.Fatalf("got %.20q... and the error %v", got, err)
		}
	}
	if n := len(table.directories); n > maxDirectories {
		t.Errorf("%d directories are kept, want %d at most", n, maxDirectories)
	}
}

func TestErrorsAreSortedAndFew(t *testing.T) {
	var list Errors
	for _, origin := range []string{"b.yaml:1:1", "a.yaml:10:3", "a.yaml:9:12", "a.yaml:9:3", ""} {
		list = append(list, &Error{Origin: origin, Path: "/x", Msg: "wrong"})
	}
	for i := range perOrigin + 5 {
		list = append(list, &Error{Origin: "c.yaml:1:1", Path: fmt.Sprintf("/%03d", i), Msg: "wrong"})
	}
	slices.Reverse(list)
	got := strings.Split(list.Sorted().Error(), "\n")
	want := []string{"/x: wrong", "a.yaml:9:3: /x: wrong", "a.yaml:9:12: /x: wrong", "a.yaml:10:3: /x: wrong", "b.yaml:1:1: /x: wrong"}
	for i := range perOrigin {
		want = append(want, fmt.Sprintf("c.yaml:1:1: /%03d: wrong", i))
	}
	want = append(want, "c.yaml:1:1: 5 more problems like these")
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// BenchmarkMake plans a usr-merged root with n entries, of a tree and so in the
// order of a walk.
// clone copies the entries, too, which Make changes.
func clone(entries []*Entry) []*Entry {
	copies := make([]*Entry, len(entries))
	for i, e := range entries {
		copies[i] = new(*e)
	}
	return copies
}

func BenchmarkMake(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			entries := []*Entry{{Path: "/lib", Mode: TypeLink, Target: "usr/lib"}, {Path: "/lib/x", Mode: TypeFile}}
			for i := 0; len(entries) < n; i++ {
				dir := fmt.Sprintf("/usr/lib/package-%d/share", i%100*1000+i)
				entries = append(entries, &Entry{Path: dir, Mode: TypeDir, Implied: true, Origin: "root.yaml:1:1"})
				for j := range 12 {
					entries = append(entries, &Entry{Path: fmt.Sprintf("%s/file-%d.so", dir, j), Mode: TypeFile, Origin: "root.yaml:1:1"})
				}
				entries = append(entries, &Entry{Path: dir + "/link", HardLink: true, Target: dir + "/file-3.so"})
			}
			slices.SortFunc(entries, func(x, y *Entry) int { return cmp.Compare(x.Path, y.Path) })
			options := Options{
				Remove:      []Glob{{Pattern: "/usr/lib/*/share/file-11.so"}},
				Permissions: []Permission{{Glob: Glob{Pattern: "/**/*.so"}, Mode: new(uint32(0o755))}},
			}
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				input := clone(entries)
				b.StartTimer()
				if _, err := Make(input, options); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
