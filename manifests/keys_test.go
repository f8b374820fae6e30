package manifests

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestKeysAreRead checks that the decoder reads every key of the table when it reads the
// manifests in testdata. The decoder panics at a key that is not in the table.
func TestKeysAreRead(t *testing.T) {
	read := map[string]bool{}
	for _, file := range append(glob(t, "testdata/ok/*.yaml"), glob(t, "testdata/err/*.yaml")...) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d := &decoder{report: &report{}, asked: func(s *Section, key string) { read[s.name()+" "+key] = true }}
		d.decode(data, Options{})
	}
	for _, s := range Sections() {
		for _, k := range s.Keys {
			if !read[s.name()+" "+k.Name] {
				t.Errorf("%s: %s is in the table and never read", s.name(), k.Name)
			}
		}
	}
}

// TestKeysAreRefused checks that the decoder refuses keys that the table does not have for a
// type of root.
func TestKeysAreRefused(t *testing.T) {
	refused := 0
	for _, s := range Sections() {
		for _, k := range s.Keys {
			for _, root := range []RootType{Tmpfs, Bind, None} {
				if k.Roots == nil || slices.Contains(k.Roots, root) {
					continue
				}
				refused++
				_, err := Parse([]byte(withKey(t, s, k, root)), Options{File: "m"})
				if want := k.Name + " does nothing here: "; err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %s under root.type: %s: got error %v, want one with %q", s.name(), k.Name, root, err, want)
				}
			}
		}
	}
	if refused == 0 {
		t.Error("got no key that is refused, want some")
	}
}

// withKey returns a manifest with a key.
func withKey(t *testing.T, s Section, k Key, root RootType) string {
	t.Helper()
	key := k.Name + ": {}"
	top := fmt.Sprintf("version: 1\nroot: {type: %s}\n", root)
	switch {
	case s.Path == "root":
		return fmt.Sprintf("version: 1\nroot: {type: %s, %s}\n", root, key)
	case s.Path == "":
		return top + key + "\n"
	case s.Type != "":
		return top + fmt.Sprintf("contents: [{type: %s, %s}]\n", s.Type, key)
	case s.Path == "permissions":
		return top + fmt.Sprintf("permissions: [{%s}]\n", key)
	}
	return top + fmt.Sprintf("%s: {%s}\n", s.Path, key)
}

// TestKeysAreDescribed checks the form of the rows.
func TestKeysAreDescribed(t *testing.T) {
	for _, s := range Sections() {
		for _, k := range s.Keys {
			name := s.name() + ": " + k.Name
			if !strings.HasSuffix(k.Doc, ".") || strings.ToUpper(k.Doc[:1]) != k.Doc[:1] && k.Doc[0] != '`' {
				t.Errorf("%s: got %q, want a sentence", name, k.Doc)
			}
			if k.Kind == "" || k.Kind == KindWord && len(k.Values) == 0 {
				t.Errorf("%s: its row does not say what it takes", name)
			}
			if k.Kind == KindWord && k.Default != "" && !slices.Contains(k.Values, k.Default) {
				t.Errorf("%s: its default %q is not among its values", name, k.Default)
			}
			if k.Default != "" && k.Otherwise != "" || k.Required && k.Default+k.Otherwise != "" {
				t.Errorf("%s: got two things that its absence means", name)
			}
		}
	}
}

// TestDocumentedKeys compares docs/manifest.md with the table. -update writes the tables of
// the document.
func TestDocumentedKeys(t *testing.T) {
	file := filepath.FromSlash("../docs/manifest.md")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, s := range Sections() {
		begin, end := "<!-- keys: "+s.name()+" -->\n", "<!-- end -->\n"
		before, rest, ok := strings.Cut(text, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Errorf("%s: got no table between %q and %q", file, begin, end)
			continue
		}
		text = before + begin + "\n" + s.table() + "\n" + end + after
	}
	kinds := regexp.MustCompile(`(?m)^- \*\*(.*?)\*\*`).FindAllStringSubmatch(text, -1)
	for _, s := range Sections() {
		for _, k := range s.Keys {
			explained := slices.ContainsFunc(kinds, func(m []string) bool { return m[1] == string(k.Kind) })
			if !explained && k.Kind != KindWord && k.Kind != KindMapping {
				t.Errorf("%s: got no paragraph that begins with - **%s**, the value of %s", file, k.Kind, k.Name)
			}
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(data), text); diff != "" {
		t.Errorf("%s (-got +want, which go test ./manifests -update writes):\n%s", file, diff)
	}
}

// name returns a name for the section that no other section has.
func (s *Section) name() string {
	name := s.Path
	if name == "" {
		name = "the top"
	}
	if s.Type != "" {
		name += ", type " + s.Type
	}
	return name
}

// table returns the rows of a section in Markdown.
func (s *Section) table() string {
	var b strings.Builder
	b.WriteString("| key | value | default | meaning |\n|---|---|---|---|\n")
	for _, k := range s.Keys {
		absent := k.Otherwise
		switch {
		case k.Required:
			absent = "required"
		case k.Default != "":
			absent = code(k.Default)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", code(k.Name), k.value(), absent, k.sentence())
	}
	return b.String()
}

func (k Key) value() string {
	var words []string
	for _, v := range k.Values {
		words = append(words, code(v))
	}
	list := strings.Join(words, ", ")
	switch {
	case k.Kind == KindWord:
		return list
	case k.Kind == KindCodec, k.Kind == KindArch, k.Kind == KindMounts:
		return string(k.Kind) + ": " + list
	case list != "":
		return string(k.Kind) + ", or " + list
	}
	return string(k.Kind)
}

func (k Key) sentence() string {
	switch {
	case k.Roots == nil:
		return k.Doc
	case slices.Equal(k.Roots, tmpfsOnly):
		return k.Doc + " Only with `root.type: tmpfs`."
	}
	return k.Doc + " Not with `root.type: none`."
}

func code(text string) string { return "`" + text + "`" }
