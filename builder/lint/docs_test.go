package lint

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the tables of docs/lint.md")

// TestDocumentedRules compares docs/lint.md with the rows. -update writes its tables.
func TestDocumentedRules(t *testing.T) {
	file := filepath.FromSlash("../../docs/lint.md")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for name, rules := range map[string][]Rule{"root": Rules(), "reader": ReaderRules()} {
		begin, end := "<!-- rules: "+name+" -->\n", "<!-- end -->\n"
		before, rest, ok := strings.Cut(text, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s: got no table between %q and %q", file, begin, end)
		}
		text = before + begin + "\n" + table(rules) + "\n" + end + after
	}
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(data), text); diff != "" {
		t.Errorf("%s (-got +want, which go test ./builder/lint -update writes):\n%s", file, diff)
	}
}

// table returns rules in Markdown.
func table(rules []Rule) string {
	var b strings.Builder
	b.WriteString("| code | severity | finding | cure |\n|---|---|---|---|\n")
	for _, r := range rules {
		severity := string(r.Severity)
		if r.Appended != "" {
			severity += ", appended: " + string(r.Appended)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.Code, severity, r.Sentence, r.Cure)
	}
	return b.String()
}

// TestRows checks that every row is complete and that no two have one code.
func TestRows(t *testing.T) {
	rules := append(Rules(), ReaderRules()...)
	for _, r := range rules {
		if !strings.HasSuffix(r.Sentence, ".") || r.Cure == "" || !slices.Contains([]Severity{Error, Warning, Note}, r.Severity) {
			t.Errorf("%s: got %+v, want a sentence, a cure and a severity", r.Code, r)
		}
	}
	codes := Codes()
	slices.Sort(codes)
	if n := len(slices.Compact(codes)); n != len(rules) {
		t.Errorf("got %d codes of %d rules", n, len(rules))
	}
}

// TestReaderCodes checks that every code in the source of the reader has a row, and every row
// such a code.
func TestReaderCodes(t *testing.T) {
	codes := map[string]bool{}
	for _, source := range []struct{ files, prefix, pattern string }{
		{"../image/*.go", "", `&rule\{"([a-z-]*[a-z])"`},
		{"../envelope/*.go", "", `\.warn\("([a-z-]+)"`},
		{"../../compress/note.go", "codec-", `(?m)^\tNote\w+ += "([a-z]+)"`},
	} {
		files, err := filepath.Glob(filepath.FromSlash(source.files))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: got %d files, error %v", source.files, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range regexp.MustCompile(source.pattern).FindAllStringSubmatch(string(text), -1) {
				codes[source.prefix+match[1]] = true
			}
		}
	}
	delete(codes, "codec-memory") // the reader takes it as it was meant
	delete(codes, "codec-tail")   // an error of the reader
	rows := map[string]bool{}
	for _, r := range ReaderRules() {
		rows[r.Code] = true
	}
	if diff := cmp.Diff(codes, rows); diff != "" {
		t.Errorf("-source +rows:\n%s", diff)
	}
}
