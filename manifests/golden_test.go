package manifests

import (
	"errors"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the .out files in testdata")

// TestErrors compares the text of every error. testdata/err has a manifest for each, and its
// errors beside it.
func TestErrors(t *testing.T) {
	for _, file := range glob(t, "testdata/err/*.yaml") {
		t.Run(stem(file), func(t *testing.T) {
			_, err := parseTestdata(t, file)
			var errs Errors
			if !errors.As(err, &errs) {
				t.Fatalf("got %v, want Errors", err)
			}
			golden(t, file, err.Error()+"\n")
		})
	}
}

// TestManifests compares the values of good manifests.
func TestManifests(t *testing.T) {
	for _, file := range glob(t, "testdata/ok/*.yaml") {
		t.Run(stem(file), func(t *testing.T) {
			m, err := parseTestdata(t, file)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, file, dump(m))
		})
	}
}

// TestMessages looks for errors and warnings in the source that no file in testdata causes.
func TestMessages(t *testing.T) {
	var shown strings.Builder
	for _, file := range append(glob(t, "testdata/err/*.out"), glob(t, "testdata/ok/*.out")...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		shown.Write(text)
	}
	found := 0
	for _, file := range glob(t, "*.go") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source := token.NewFileSet()
		tree, err := parser.ParseFile(source, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			for _, text := range messages(call) {
				found++
				if !template(text).MatchString(shown.String()) {
					t.Errorf("%s: no file in testdata/err shows %q", source.Position(call.Pos()), text)
				}
			}
			return true
		})
	}
	if found < 50 {
		t.Errorf("found %d messages in the source, want 50 at least", found)
	}
}

// messages returns the string literals that call makes an error from.
func messages(call *ast.CallExpr) []string {
	var name string
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
	}
	switch name {
	case "errorf", "advise", "Errorf", "New":
	default:
		return nil
	}
	var texts []string
	for _, arg := range call.Args {
		if lit, ok := arg.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil && text != "reported" {
				texts = append(texts, text)
			}
		}
	}
	return texts
}

// template returns a pattern that matches every text that a format can produce.
func template(format string) *regexp.Regexp {
	verbs := regexp.MustCompile(`%[.*0-9]*[a-zA-Z]`)
	return regexp.MustCompile(verbs.ReplaceAllString(regexp.QuoteMeta(format), ".+"))
}

// parseTestdata parses a file with the definitions in its first lines: "# -D NAME=value" and
// "# env NAME=value"; "# stdin" says that the manifest came from standard input.
func parseTestdata(t testing.TB, file string) (*Manifest, error) {
	t.Helper()
	data, opt := readTestdata(t, file)
	return Parse(data, opt)
}

func readTestdata(t testing.TB, file string) ([]byte, Options) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	vars, env := map[string]string{}, map[string]string{}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "# -D "); ok {
			name, value, _ := strings.Cut(strings.TrimSpace(rest), "=")
			vars[name] = value
		} else if rest, ok := strings.CutPrefix(line, "# env "); ok {
			name, value, _ := strings.Cut(strings.TrimSpace(rest), "=")
			env[name] = value
		}
	}
	return data, Options{
		stdin:  strings.HasPrefix(string(data), "# stdin\n"),
		File:   filepath.Base(file),
		Vars:   vars,
		Getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	}
}

// golden compares got with the .out file beside file, or writes that file with -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	out := strings.TrimSuffix(file, ".yaml") + ".out"
	if *update {
		if err := os.WriteFile(out, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", out, diff)
	}
}

func glob(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: got %d files (%v), want some", pattern, len(files), err)
	}
	return files
}

func stem(file string) string { return strings.TrimSuffix(filepath.Base(file), ".yaml") }
