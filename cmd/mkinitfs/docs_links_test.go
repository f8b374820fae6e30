package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// TestLinks follows every relative link of every document to its file and heading.
func TestLinks(t *testing.T) {
	root := repository(t)
	found := 0
	for _, file := range markdown(t) {
		text := readFile(t, file)
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(withoutCode(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			found++
			name, _ := filepath.Rel(root, file)
			path, anchor, _ := strings.Cut(m[1], "#")
			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: link %s: %v", name, m[1], err)
			} else if anchor != "" && !anchors(readFile(t, target))[anchor] {
				t.Errorf("%s: link %s: there is no such heading", name, m[1])
			}
		}
	}
	if found == 0 {
		t.Error("got no links, want some")
	}
}

// markdown returns the paths of all documents of the repository.
func markdown(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(repository(t), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		if !d.IsDir() && filepath.Ext(path) == ".md" {
			files = append(files, path)
		}
		return nil
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d documents, error %v", len(files), err)
	}
	return files
}

// anchors returns the anchors that GitHub makes of the headings of a document.
func anchors(text string) map[string]bool {
	all := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(withoutBlocks(text), -1) {
		all[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, m[1])] = true
	}
	return all
}

// withoutBlocks returns a document without its fenced blocks.
func withoutBlocks(text string) string {
	return regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(text, "")
}

// withoutCode returns a document without its fenced blocks and code spans.
func withoutCode(text string) string {
	return regexp.MustCompile("`[^`\n]*`").ReplaceAllString(withoutBlocks(text), "")
}

// TestNamedFiles checks that the files that CONTRIBUTING.md names exist. TYPE, CODEC and NAME
// match anything.
func TestNamedFiles(t *testing.T) {
	found := 0
	text := withoutBlocks(readFile(t, filepath.Join(repository(t), "CONTRIBUTING.md")))
	for _, m := range regexp.MustCompile("`(\\.?[a-z]+/[^` ]*|[a-z_*]+_test\\.go)`").FindAllStringSubmatch(text, -1) {
		found++
		pattern := regexp.MustCompile("TYPE|CODEC|NAME").ReplaceAllString(m[1], "*")
		if !strings.Contains(pattern, "/") {
			pattern = "cmd/mkinitfs/" + pattern
		}
		if files, err := filepath.Glob(filepath.Join(repository(t), pattern)); err != nil || len(files) == 0 {
			t.Errorf("CONTRIBUTING.md names %s: got no such file, error %v", m[1], err)
		}
	}
	if found == 0 {
		t.Error("got no files, want some")
	}
}
