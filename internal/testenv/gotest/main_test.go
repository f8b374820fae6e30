package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// modules are packages with tests that end in every possible way, and the expected results.
var modules = []struct {
	name   string
	files  map[string]string
	status int
	want   string
}{
	{
		name: "good",
		files: map[string]string{
			"a/a_test.go": "package a\nimport \"testing\"\nfunc TestOne(t *testing.T) { println(\"noise\"); t.Log(\"noise\") }\n" +
				"func TestTwo(t *testing.T) { t.Run(\"x\", func(t *testing.T) {}); t.Run(\"y\", func(t *testing.T) { t.Skip(\"no tool: here\") }) }\n" +
				"func TestThree(t *testing.T) { t.Skip(\"no tool: here\") }\n" +
				"func TestFour(t *testing.T) { print(\"no newline\"); t.Skip(\"no tool: here\") }\n",
			"b/b.go": "package b\n",
		},
		want: `ok  	example.com/m/a	TIME
?   	example.com/m/b	[no test files]

slowest tests:
  TIME  a TestFour
  TIME  a TestOne
  TIME  a TestThree
  TIME  a TestTwo/x
  TIME  a TestTwo/y

skipped tests:
      3    no tool: here

2 passed, 0 failed, 3 skipped
`,
	},
	{
		name: "bad",
		files: map[string]string{
			"a/a_test.go": "package a\nimport \"testing\"\nfunc TestGood(t *testing.T) { t.Log(\"noise\") }\n" +
				"func TestBad(t *testing.T) { t.Run(\"x\", func(t *testing.T) { t.Error(\"is bad\") }) }\n",
			"b/b_test.go": "package b\nimport (\"os\"; \"testing\")\nfunc TestOne(t *testing.T) { println(\"last words\"); os.Exit(7) }\n",
			"c/c_test.go": "package c\nfunc init() { undefined() }\n",
			"d/d_test.go": "package d\nimport \"testing\"\nfunc TestOne(t *testing.T) {}\n",
		},
		status: 1,
		want: `    a_test.go:4: is bad
--- FAIL: TestBad/x (TIME)
--- FAIL: TestBad (TIME)
FAIL
FAIL	example.com/m/a	TIME
last words
FAIL	example.com/m/b	TIME
# example.com/m/c [example.com/m/c.test]
c/c_test.go:2:15: undefined: undefined
FAIL	example.com/m/c [build failed]
ok  	example.com/m/d	TIME

slowest tests:
  TIME  a TestBad
  TIME  a TestBad/x
  TIME  a TestGood
  TIME  b TestOne
  TIME  d TestOne

2 passed, 3 failed, 0 skipped
`,
	},
}

var slowest = regexp.MustCompile(`(?m)(^  TIME.*\n)+`)

// sortLines sorts lines, because the order in which tests end is not fixed.
func sortLines(text string) string {
	return strings.Join(slices.Sorted(strings.Lines(text)), "")
}

var duration = regexp.MustCompile(`(?m)(^  )? *\b[0-9.]+ ?s\b`)

func TestRun(t *testing.T) {
	for _, m := range modules {
		t.Run(m.name, func(t *testing.T) {
			dir := t.TempDir()
			m.files["go.mod"] = "module example.com/m\n\ngo 1.24\n"
			for name, text := range m.files {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			t.Chdir(dir)
			t.Setenv("GOFLAGS", "")
			var out, words bytes.Buffer
			status, err := run([]string{"-p", "1", "./..."}, &out, &words)
			if status != m.status || err != nil {
				t.Errorf("got status %d, error %v, want status %d\n%s", status, err, m.status, &words)
			}
			got := slowest.ReplaceAllStringFunc(duration.ReplaceAllString(out.String(), "${1}TIME"), sortLines)
			if diff := cmp.Diff(m.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
