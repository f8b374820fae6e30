package image

import (
	"bytes"
	"fmt"
	"testing"
)

// TestMissingParents has directories that are missing on the way to a file: those that its
// own name has are made, those that only the target of a link has are not, wherever in the
// chain of links they are.
func TestMissingParents(t *testing.T) {
	links := []string{"z/", "x>z", "straight>z", "dangling>none", "nested>x/none", "loop>loop"}
	for name, want := range map[string]string{
		"own/d/f":      "parent-missing",
		"straight/d/f": "parent-missing",
		"x/d/f":        "parent-missing",
		"dangling/f":   "parent-link-to-nothing",
		"dangling/d/f": "parent-link-to-nothing",
		"nested/f":     "parent-link-to-nothing",
		"nested/d/f":   "parent-link-to-nothing",
		"loop/d/f":     "parent-loop",
	} {
		f, err := ReadFiles(bytes.NewReader(archive(t, append(links, name+"=1")...)))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, finding := range f.Findings {
			got = append(got, finding.Code)
		}
		if fmt.Sprint(got) != fmt.Sprint([]string{want}) {
			t.Errorf("%s: got findings %v, want %s", name, got, want)
		}
	}
}
