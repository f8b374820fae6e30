package source

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/kmod/kmodtest"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// items has an item of every type of contents with what it must have.
var items = map[string]string{
	"file":     "dst: /x, src: tree/f",
	"dir":      "dst: /x",
	"symlink":  "dst: /x, target: y",
	"hardlink": "dst: /x, target: /y",
	"char":     "dst: /x, dev: '4:64'",
	"block":    "dst: /x, dev: '8:0'",
	"fifo":     "dst: /x",
	"socket":   "dst: /x",
	"tree":     "dst: /x, src: tree",
	"tar":      "src: a.tar",
	"cpio":     "src: a.cpio",
	"list":     "src: a.list",
	"modules":  "src: modules, modules: [m]",
	"oci":      "src: image",
	"go":       "dst: /x, src: prog",
}

// TestDefaults holds the table of keys and the sources together: every type has a source,
// and a key that is written with its default changes nothing.
func TestDefaults(t *testing.T) {
	l := newLayout()
	l.name("app", l.image("linux/"+runtime.GOARCH, "", nil, layerOf(t, "x")))
	all := map[string]string{
		"tree/f": "x", "tree/d/e": "y", "a.tar": string(archive(t, 0)), "a.cpio": string(newc(t, "etc", "etc/x")),
		"a.list":       "dir /etc 0755 0 0\nfile /etc/x tree/f 0644 0 0 /etc/y\n",
		"modules/m.ko": string(kmodtest.Make(kmodtest.Module{})),
		"go.mod":       "module example.com/prog\n\ngo 1.24\n", "prog/x.go": "package main\n\nfunc main() {}\n",
	}
	for name, content := range l.all() {
		all["image/"+name] = content
	}
	dir := files(t, all)
	chmod(t, 0o640, dir, "tree/f")
	if err := os.Chtimes(filepath.Join(dir, "tree/f"), time.Unix(9, 0), time.Unix(9, 0)); err != nil {
		t.Fatal(err)
	}
	found := func(text string) []*plan.Entry {
		t.Helper()
		m, err := manifests.Parse([]byte("version: 1\ncontents: [{"+text+"}]\n"), manifests.Options{File: "m.yaml", Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		entries, err := ask(t, &Env{Arch: runtime.GOARCH}, m.Contents[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries { // what is read is another file each time
			e.Data = plan.Data{}
		}
		return entries
	}
	var types []string
	for _, s := range manifests.Sections() {
		if s.Type == "" {
			continue
		}
		types = append(types, s.Type)
		item := "type: " + s.Type + ", " + items[s.Type]
		want := found(item)
		for _, key := range s.Keys {
			if key.Default == "" {
				continue
			}
			if diff := cmp.Diff(want, found(item+", "+key.Name+": '"+key.Default+"'")); diff != "" {
				t.Errorf("%s with %s: %s (-without +with):\n%s", s.Type, key.Name, key.Default, diff)
			}
		}
	}
	for name := range items {
		if !slices.Contains(types, name) {
			t.Errorf("type %s is not in the table of keys", name)
		}
	}
}
