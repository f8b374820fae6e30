package layering

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// methodFiles is the number of files in which a type may have methods. If they are everywhere,
// nobody can tell any more what each of them needs.
const methodFiles = 2

// scatteredTypes are those with methods in more files: so many. A machine with one state, such
// as a decoder, may need them. No stage of a build does.
var scatteredTypes = map[string]int{
	"builder/image.Extraction":  6,
	"builder/image.kernelRoot":  3,
	"builder/image.walker":      7,
	"builder/plan.Entry":        3,
	"builder/plan.planner":      9,
	"builder/source.job":        5,
	"builder/source.tarStream":  4,
	"builder/stub/init.boot":    19,
	"compress/lz.Finder":        4,
	"compress/lzma2.Encoder":    4,
	"compress/xz.Decoder":       4,
	"compress/zstd.Decoder":     4,
	"internal/bench.bench":      11,
	"internal/container.inside": 4,
	"internal/qemu.Machine":     3,
	"manifests.decoder":         12,
	"manifests.object":          9,
}

func TestMethodsOfATypeStayTogether(t *testing.T) {
	files := map[string]string{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			files[path] = ""
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("found %d files, expected those of the module", len(files))
	}
	found := scattered(t, files)
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if where := found[name]; len(where) > scatteredTypes[name] {
			t.Errorf("%s has methods in %d files: %s", name, len(where), strings.Join(where, ", "))
		}
	}
	for name := range scatteredTypes {
		if found[name] == nil {
			t.Errorf("%s is no exception any more", name)
		}
	}
}

// TestScattered checks that the test above can fail.
func TestScattered(t *testing.T) {
	const text = "package p\n\nfunc (T) m() {}\n"
	files := map[string]string{"p/a.go": text, "p/b.go": text, "q/c.go": text}
	if got := scattered(t, files); len(got) > 0 {
		t.Errorf("two files: got %q, want none", got)
	}
	files["p/c.go"] = "package p\n\nfunc (t *T[K]) n() {}\n"
	if got := scattered(t, files); len(got) != 1 || len(got["p.T"]) != 3 {
		t.Errorf("three files: got %q, want them for p.T", got)
	}
}

// scattered returns the types with methods in too many files, and these files. A file without
// a text is read.
func scattered(t *testing.T, files map[string]string) map[string][]string {
	t.Helper()
	in := map[string]map[string]bool{}
	for path, text := range files {
		var src any
		if text != "" {
			src = text
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, src, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			method, ok := d.(*ast.FuncDecl)
			if !ok || method.Recv == nil {
				continue
			}
			name := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "../../") + "." + receiver(method.Recv.List[0].Type)
			if in[name] == nil {
				in[name] = map[string]bool{}
			}
			in[name][path] = true
		}
	}
	all := map[string][]string{}
	for name, where := range in {
		if len(where) > methodFiles {
			all[name] = slices.Sorted(maps.Keys(where))
		}
	}
	return all
}

// receiver returns the name of a method's type.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}
