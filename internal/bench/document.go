//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"
)

// document writes the figures of a group into a document, between the group's markers.
// where says what they were measured on.
func document(path, group string, rows []row, where string, missing []string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	replaced, err := replaceFigures(string(text), group, figures(rows, where, missing))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(replaced), 0o644)
}

// figures returns the block of a group: the machine, the table, and what it lacks.
func figures(rows []row, where string, missing []string) string {
	var b strings.Builder
	b.WriteString("\nMeasured " + where + ".\n\n")
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(header)
	b.WriteString(strings.Repeat("|---", len(header)) + "|\n")
	for _, r := range rows {
		line(r.cells())
	}
	b.WriteByte('\n')
	for _, m := range missing {
		b.WriteString("Left out: " + m + ".\n\n")
	}
	return b.String()
}

// replaceFigures returns text with block between the markers of a group.
func replaceFigures(text, group, block string) (string, error) {
	begin, end := "<!-- bench "+group+" -->\n", "<!-- end "+group+" -->\n"
	before, rest, found := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return "", fmt.Errorf("no place for the figures of %s: want the lines %q and %q", group, begin, end)
	}
	return before + begin + block + end + after, nil
}
