// Package depfile writes the prerequisites of a file for make and ninja.
package depfile

import (
	"bufio"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/internal/newfile"
)

// Rule is one rule of make.
type Rule struct {
	Target string   // as make is to read it
	First  []string // prerequisites in their order
	Rest   []string // more of them, in any order
	Phony  bool     // a target without prerequisites for each of Rest, so that make goes on when one has gone
}

// Write writes a rule to the file at path, which appears whole.
func Write(path string, r Rule) error {
	rest := slices.Compact(slices.Sorted(slices.Values(r.Rest)))
	for _, name := range slices.Concat([]string{r.Target}, r.First, rest) {
		if strings.ContainsAny(name, "\r\n") {
			return fmt.Errorf("write %s: no depfile can hold the line break in %q", path, name)
		}
	}
	for i, name := range rest {
		rest[i] = Name(name)
	}
	newfile.Sweep(path)
	f, err := newfile.Create(path, 0o666)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	fmt.Fprintf(w, "%s:", r.Target)
	for _, name := range r.First {
		fmt.Fprintf(w, " %s", Name(filepath.Clean(name)))
	}
	for _, name := range rest {
		fmt.Fprintf(w, " \\\n  %s", name)
	}
	w.WriteByte('\n')
	if r.Phony {
		for _, name := range rest {
			fmt.Fprintf(w, "\n%s:\n", name)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Place()
}

// Name returns a file name as GNU make reads it, and as GCC writes it. Backslashes are doubled
// only at the end and before an escaped character.
func Name(name string) string {
	var b strings.Builder
	slashes := 0
	for _, c := range []byte(name) {
		switch c {
		case '$':
			b.WriteByte('$')
		case ' ', '\t', '#', ':':
			b.WriteString(strings.Repeat(`\`, slashes+1))
		}
		b.WriteByte(c)
		if slashes++; c != '\\' {
			slashes = 0
		}
	}
	b.WriteString(strings.Repeat(`\`, slashes))
	return b.String()
}
