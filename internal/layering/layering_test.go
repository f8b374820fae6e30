// Package layering holds the test that imports go one way.
package layering

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/mkinitfs/mkinitfs/"

// layers lists, for every package, the packages of the module that it may import. It must
// import those before "|", because each is the only home of some fact, and the package would
// otherwise duplicate that fact.
//
// A new package gets its row here. The commit that adds to a row says why the code does not
// belong on this side.
var layers = map[string]string{
	"manifests":       "builder/bootplan builder/cpio compress internal/arch internal/filecaps internal/xattr |",
	"compress":        "compress/bcj compress/gzip compress/lzma2 compress/lzo compress/xz |",
	"compress/bcj":    "",
	"compress/gzip":   "compress/words |",
	"compress/lz":     "compress/words |",
	"compress/lz4":    "",
	"compress/lzma2":  "compress/lz |",
	"compress/lzo":    "",
	"compress/words":  "",
	"compress/xz":     "",
	"compress/zstd":   "compress/words |",
	"builder/plan":    "builder/bootplan builder/cpio internal/follow internal/xattr |",
	"builder/cpio":    "",
	"builder/selinux": "builder/plan internal/xattr |",

	"builder/accounts": "builder/bootplan builder/lint builder/plan manifests |",

	"builder": "builder/accounts builder/bounds builder/layout builder/lint builder/loadorder builder/pack builder/plan builder/selinux builder/source builder/stub builder/translate builder/envelope builder/wrap builder/bootplan " +
		"compress internal/arch internal/depfile internal/newfile manifests |",
	"builder/source":     "builder/plan compress internal/arch internal/earlyfile internal/elfdeps internal/filecaps internal/follow internal/gobuild internal/kmod internal/magic internal/newfile internal/oci internal/xattr manifests | builder/cpio builder/image",
	"builder/layout":     "builder/bootplan builder/cpio builder/plan internal/arch |",
	"builder/bounds":     "builder/image builder/pack builder/plan manifests |",
	"builder/minram":     "builder/bootplan builder/cpio builder/image builder/layout compress internal/arch |",
	"builder/translate":  "builder/accounts builder/bootplan builder/envelope builder/layout builder/lint builder/plan builder/source manifests |",
	"builder/loadorder":  "builder/bootplan builder/plan internal/kmod manifests |",
	"builder/pack":       "builder/bootplan builder/cpio builder/layout builder/plan compress internal/cache internal/hostfile internal/newfile |",
	"builder/lint":       "builder/bootplan builder/image builder/plan internal/arch internal/elfdeps internal/hostfile |",
	"builder/envelope":   "internal/arch internal/magic |",
	"builder/wrap":       "builder/envelope builder/pack internal/newfile |",
	"builder/difference": "builder/bootplan builder/cpio builder/image builder/lint builder/plan compress internal/words internal/xattr |",
	"builder/image":      "builder/cpio builder/bootplan builder/envelope compress internal/arch internal/follow internal/magic internal/xattr | builder/unpack",

	"builder/stub":       "builder/bootplan compress internal/arch internal/cache internal/gobuild |",
	"builder/stub/embed": "builder/stub internal/arch | manifests",
	"builder/stub/init":  "builder/cpio builder/bootplan compress/gzip compress/lz4 builder/unpack compress/xz compress/zstd |",
	"builder/unpack":     "builder/cpio |",
	"builder/bootplan":   "",
	"internal/container": "builder/image builder/bootplan internal/arch internal/follow internal/words |",

	// Of the inner packages the command wants words only: the bits of a mode, the
	// type of a plan's errors, what an image says about itself.
	"cmd/mkinitfs": "builder builder/difference builder/envelope builder/image builder/lint builder/minram builder/wrap internal/cache internal/fakeroot internal/filecaps internal/magic internal/newfile internal/qemu internal/words manifests internal/container | " +
		"builder/cpio builder/plan builder/bootplan builder/unpack compress",

	"internal/arch":           "",
	"internal/cache":          "internal/newfile |",
	"internal/follow":         "",
	"internal/hostfile":       "",
	"internal/kmod":           "",
	"internal/kmod/kmodtest":  "",
	"internal/magic":          "",
	"internal/depfile":        "internal/newfile |",
	"internal/earlyfile":      "",
	"internal/elfdeps":        "internal/arch |",
	"internal/elftest":        "",
	"internal/fakeroot":       "",
	"internal/newfile":        "internal/follow |",
	"internal/oci":            "internal/follow |",
	"internal/corpus":         "internal/guest/report |",
	"internal/decodertest":    "",
	"internal/filecaps":       "internal/xattr |",
	"internal/gobuild":        "internal/arch |",
	"internal/qemu":           "compress internal/arch internal/magic |",
	"internal/testenv":        "internal/arch |",
	"internal/testenv/gotest": "",
	"internal/words":          "",
	"internal/xattr":          "",
	"internal/faults":         "",
	"internal/guest":          "internal/guest/report |",
	"internal/guest/report":   "",
	"internal/bench":          "builder/stub builder/unpack compress/zstd compress internal/cache internal/gobuild internal/qemu |",
	"internal/bench/floor":    "",
	"internal/bench/guest":    "",
	"internal/bench/timed":    "",
	"internal/bench/uroot":    "",
	"examples/hello":          "",
	"examples/supervised-app": "",
}

func TestLayers(t *testing.T) {
	imports := map[string][]string{} // of what is ours, by package
	for _, tags := range []string{"", "stub_gzip", "stub_lz4", "stub_xz", "stub_zstd", "stub_supervise"} {
		for _, p := range list(t, tags) {
			path := strings.TrimPrefix(p.ImportPath, module)
			all := append(imports[path], ours(p.Imports)...)
			slices.Sort(all)
			imports[path] = slices.Compact(all)
		}
	}
	if len(imports) == 0 {
		t.Fatal("go list found no package")
	}
	for _, fault := range against(imports) {
		t.Error(fault)
	}
}

// against returns the imports of all packages that break the rows.
func against(imports map[string][]string) (faults []string) {
	for path, got := range imports {
		row, ok := layers[path]
		if !ok {
			faults = append(faults, path+": no row says what it may import")
			continue
		}
		before, after, _ := strings.Cut(row, "|")
		must, may := strings.Fields(before), strings.Fields(after)
		for _, name := range got {
			if !slices.Contains(must, name) && !slices.Contains(may, name) {
				faults = append(faults, path+" imports "+name)
			}
		}
		for _, name := range must {
			if !slices.Contains(got, name) {
				faults = append(faults, path+" does not import "+name+" any more")
			}
		}
	}
	for path := range layers {
		if _, ok := imports[path]; !ok {
			faults = append(faults, path+" has a row and is no package")
		}
	}
	return faults
}

// TestLayersAreSeen holds the test itself: it sees an import that is added against the
// rows, one that is gone, and a package without a row.
func TestLayersAreSeen(t *testing.T) {
	rows := func(change func(imports map[string][]string)) string {
		imports := map[string][]string{}
		for path, row := range layers {
			must, _, _ := strings.Cut(row, "|")
			imports[path] = strings.Fields(must)
		}
		change(imports)
		return strings.Join(against(imports), "; ")
	}
	for want, change := range map[string]func(map[string][]string){
		"":                                   func(map[string][]string) {},
		"builder/plan imports builder/image": func(m map[string][]string) { m["builder/plan"] = append(m["builder/plan"], "builder/image") },
		"builder/lint does not import builder/plan any more": func(m map[string][]string) {
			m["builder/lint"] = slices.DeleteFunc(m["builder/lint"], func(name string) bool { return name == "builder/plan" })
		},
		"internal/new: no row says what it may import": func(m map[string][]string) { m["internal/new"] = nil },
		"internal/arch has a row and is no package":    func(m map[string][]string) { delete(m, "internal/arch") },
	} {
		if got := rows(change); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// What the rows allow must itself go one way.
func TestRows(t *testing.T) {
	var visit func(path string, above []string)
	visit = func(path string, above []string) {
		if slices.Contains(above, path) {
			t.Fatalf("the rows allow a circle: %s", strings.Join(append(above, path), " -> "))
		}
		row, ok := layers[path]
		if !ok {
			t.Errorf("%s is allowed to %s and has no row", path, above[len(above)-1])
		}
		for _, name := range strings.Fields(strings.ReplaceAll(row, "|", " ")) {
			visit(name, append(above[:len(above):len(above)], path))
		}
	}
	for path := range layers {
		visit(path, nil)
	}
}

// ours returns what belongs to this module, without its name.
func ours(imports []string) []string {
	var names []string
	for _, name := range imports {
		if path, ok := strings.CutPrefix(name, module); ok {
			names = append(names, path)
		}
	}
	return names
}

type listed struct {
	ImportPath string
	Imports    []string // of the package proper, not of its tests
	GoFiles    []string
}

// list returns the packages of the module that have more than tests.
func list(t *testing.T, tags string) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,GoFiles", "-tags="+tags, module+"...")
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOFLAGS=")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []listed
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p listed
		err := dec.Decode(&p)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 {
			all = append(all, p)
		}
	}
}
