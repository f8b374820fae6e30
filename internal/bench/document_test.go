//go:build linux

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDocument replaces the figures of one group and nothing else.
func TestDocument(t *testing.T) {
	path := filepath.Join(t.TempDir(), "speed.md")
	const text = "# Speed\n\n<!-- bench list -->\nold\n<!-- end list -->\n\nProse.\n\n<!-- bench boot -->\nkept\n<!-- end boot -->\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	rows := []row{{figure: "list, raw", unit: millis, goal: 0.5, ours: one("mkinitfs", 0.002), peers: []series{one("cpio", 0.008), one("3cpio", 0.003)}}}
	if err := document(path, "list", rows, "2026-01-01, 2 CPUs", []string{"u-root: not found"}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := `# Speed

<!-- bench list -->

Measured 2026-01-01, 2 CPUs.

| figure | unit | mkinitfs | beside |  | ratio | goal |  | others |
|---|---|---|---|---|---|---|---|---|
| list, raw | ms | 2.00 | 3cpio | 3.00 | 0.67 | 0.50x | missed | cpio 8.00 |

Left out: u-root: not found.

<!-- end list -->

Prose.

<!-- bench boot -->
kept
<!-- end boot -->
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := document(path, "stub", rows, "", nil); err == nil {
		t.Error("got no error for a group without markers, want one")
	}
}

// TestDocumentHasGroups finds a table of every group in the document that make bench
// writes.
func TestDocumentHasGroups(t *testing.T) {
	text, err := os.ReadFile("../../docs/speed.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		rest, err := replaceFigures(string(text), g.name, "")
		if err != nil {
			t.Error(err)
			continue
		}
		line := "| " + strings.Join(header, " | ") + " |\n"
		if lost := strings.Count(string(text), line) - strings.Count(rest, line); lost != 1 {
			t.Errorf("%s: got %d tables between its markers, want 1", g.name, lost)
		}
	}
}

// TestDocumentedCommands wants the groups that documents measure to be there.
func TestDocumentedCommands(t *testing.T) {
	var names []string
	for _, g := range groups {
		names = append(names, g.name)
	}
	found := 0
	for _, file := range []string{"../../docs/speed.md", "../../CONTRIBUTING.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`make bench BENCH="-only (\S+) -runs \d+"`).FindAllSubmatch(text, -1) {
			for _, name := range strings.Split(string(m[1]), ",") {
				found++
				if !slices.Contains(names, name) {
					t.Errorf("%s: %s: got group %q, want one of %v", file, m[0], name, names)
				}
			}
		}
	}
	if found < len(groups) {
		t.Errorf("got %d groups in commands, want all %d", found, len(groups))
	}
}
