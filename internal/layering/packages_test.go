package layering

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestPackageTable holds the table of packages in CONTRIBUTING.md against the module:
// every package has one row, and no row is of anything else.
func TestPackageTable(t *testing.T) {
	text, err := os.ReadFile("../../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## Packages\n")
	if !found {
		t.Fatal("got no section Packages in CONTRIBUTING.md, want one")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	rows := map[string]int{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| \\S").FindAllStringSubmatch(section, -1) {
		rows[m[1]]++
	}
	out, err := exec.Command("go", "list", "../../...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.FieldsSeq(string(out)) {
		name := strings.TrimPrefix(path, module)
		if rows[name] != 1 {
			t.Errorf("got %d rows for the package %s in CONTRIBUTING.md, want 1", rows[name], name)
		}
		delete(rows, name)
	}
	for name := range rows {
		t.Errorf("got a row for %s in CONTRIBUTING.md, which is no package", name)
	}
}
