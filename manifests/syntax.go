package manifests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// syntax reports err, the error of yaml.v3 for data.
func (d *decoder) syntax(data []byte, err error) {
	var lines []string
	for line := range strings.Lines(string(data)) {
		lines = append(lines, line)
	}
	said, reported := splitLine(err)
	if rest, ok := strings.CutPrefix(said, "unknown anchor '"); ok { // this error has no line
		name, _, _ := strings.Cut(rest, "'")
		before, _, _ := bytes.Cut(data, []byte("*"+name))
		d.add(Pos{File: d.file, Line: 1 + bytes.Count(before, []byte("\n"))},
			advise("put it in quotes if it is meant as it is", "*%s is an alias, and there is no anchor &%s above it", name, name))
		return
	}
	line := faultyLine(lines, said, reported)
	pos := Pos{File: d.file, Line: line}
	text := strings.TrimRight(lines[line-1], "\r\n")
	indent, wanted := indentOf(text), openIndents(lines[:line-1])
	switch {
	case strings.Contains(said, "tab character"), strings.HasPrefix(strings.TrimLeft(text, " "), "\t"):
		d.add(pos, advise("YAML indents with spaces, never with tabs", "a tab in the indentation"))
	case misplaced(said) && !alone(text, said) && !slices.Contains(wanted, indent):
		pos.Col = indent + 1
		d.add(pos, advise("keys of one mapping begin in the same column, and so do the dashes of one list",
			"indented by %d, while the lines above allow %s", indent, eitherOf(wanted)))
	default:
		words, hint := inWords(said, strings.TrimSpace(text))
		if strings.HasPrefix(said, "did not find expected") && misplaced(said) && alone(text, said) {
			words, hint = "something follows the end of the value", "put the whole value in quotes, or look for a bracket too many"
		}
		d.add(pos, advise(hint, "%w", errors.New(words)))
	}
}

// splitLine splits an error of yaml.v3 into its text and its line, which is 0 if there is
// none.
func splitLine(err error) (said string, line int) {
	said = strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(said, "line "); ok {
		number, text, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(number); err == nil {
			return text, n
		}
	}
	return said, 0
}

// faultyLine returns the line that causes the error said. yaml.v3 reports the line where the
// mapping, list or value around the fault begins, or the line before. Only in braces and
// brackets is that the faulty line. A quoted value without an end is faulty where it begins.
// Any other fault is in one of the last lines that were read.
func faultyLine(lines []string, said string, reported int) int {
	if strings.HasPrefix(said, "did not find expected ','") {
		return max(1, min(reported+1, len(lines)))
	}
	const ahead = 8 // lines that the scanner reads to see whether there is a colon
	read := &byLine{lines: lines}
	failure(read)
	first, last := max(1, reported-1), min(len(lines), reported+1)
	for n := first; n <= read.n; n++ {
		if n > last && n < read.n-ahead {
			n = read.n - ahead
		}
		if now, _ := splitLine(failure(&byLine{lines: lines[:n]})); now == said {
			return n
		}
	}
	return max(1, min(reported, len(lines)))
}

// failure returns the error of yaml.v3 for what r holds, or io.EOF if it can read all of it.
func failure(r io.Reader) error {
	d := yaml.NewDecoder(r)
	for {
		var n yaml.Node
		if err := d.Decode(&n); err != nil {
			return err
		}
	}
}

// byLine reads one line at a time. n counts the lines read so far.
type byLine struct {
	lines []string
	n     int
	rest  string
}

func (b *byLine) Read(p []byte) (int, error) {
	if b.rest == "" {
		if b.n == len(b.lines) {
			return 0, io.EOF
		}
		b.rest = b.lines[b.n]
		b.n++
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// misplaced reports whether an error may come from the indentation of a line.
func misplaced(said string) bool {
	switch said {
	case "did not find expected key", "did not find expected '-' indicator", "did not find expected <document start>",
		"mapping values are not allowed in this context":
		return true
	}
	return false
}

// alone reports whether a line on its own has the same error.
func alone(line, said string) bool {
	now, _ := splitLine(failure(strings.NewReader(strings.TrimSpace(line))))
	return now == said
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

var keyInItem = regexp.MustCompile(`^[\w.-]+:( |$)`)

// openIndents returns the indentations, in ascending order, at which the next line can
// continue something that has begun in lines.
func openIndents(lines []string) []int {
	var open []int
	for _, line := range lines {
		line = strings.TrimRight(line, "\r\n")
		rest := strings.TrimLeft(line, " ")
		if rest == "" || rest[0] == '#' {
			continue
		}
		at := indentOf(line)
		open = append(slices.DeleteFunc(open, func(n int) bool { return n >= at }), at)
		for strings.HasPrefix(rest, "- ") {
			item := strings.TrimLeft(rest[1:], " ")
			at += len(rest) - len(item)
			if rest = item; keyInItem.MatchString(rest) || strings.HasPrefix(rest, "- ") {
				open = append(open, at)
			}
		}
	}
	return open
}

// eitherOf returns numbers as a choice in words: "0, 2 or 4".
func eitherOf(numbers []int) string {
	var words []string
	for _, n := range numbers {
		words = append(words, strconv.Itoa(n))
	}
	if len(words) == 0 {
		return "0"
	}
	text := strings.Join(words[:len(words)-1], ", ")
	if text != "" {
		text += " or "
	}
	return text + words[len(words)-1]
}

// faults has plain words for common errors of yaml.v3.
var faults = map[string]struct{ words, hint string }{
	"mapping values are not allowed in this context": {
		`a second ": " in one value`, "put a value that has one in quotes"},
	"could not find expected ':'": {
		"a key without its colon", ""},
	"did not find expected key": {
		"want a key, as in the lines above", ""},
	"did not find expected '-' indicator": {
		`want another item of the list above, which begins with "- "`, ""},
	"did not find expected ',' or ']'": {
		`a list in brackets lacks a "," or its "]"`, ""},
	"did not find expected ',' or '}'": {
		`a mapping in braces lacks a "," or its "}"`, ""},
	"did not find expected node content": {
		"a value is missing", ""},
	"did not find expected alphabetic or numeric character": {
		"a value begins with * or &, which YAML takes for an alias or anchor", "put it in quotes"},
	"did not find expected <document start>": {
		"something follows the end of the document", ""},
	"found character that cannot start any token": {
		"a value begins with a character that YAML keeps for itself, as %, @ and ` are", "put it in quotes"},
	"found unexpected end of stream": {
		"a quote that begins here has no end", ""},
	"found unknown escape character": {
		`an unknown escape, in double quotes`, `write \\ for a backslash, or take single quotes`},
	"block sequence entries are not allowed in this context": {
		"a list begins on the line of its key", "write its first item on the next line"},
}

var (
	tightColon = regexp.MustCompile(`^(- +)?[\w.-]+:[^ ]`)
	tightDash  = regexp.MustCompile(`^-[^- ]`)
)

// inWords returns plain words for an error of yaml.v3 about a line, with a hint.
func inWords(said, line string) (words, hint string) {
	f, ok := faults[said]
	if !ok {
		return "YAML: " + said, ""
	}
	if f.hint == "" {
		switch {
		case tightDash.MatchString(line):
			return f.words, fmt.Sprintf("write a space after the dash: %q", "- "+line[1:])
		case tightColon.MatchString(line):
			return f.words, "write a space after the colon"
		}
	}
	return f.words, f.hint
}
