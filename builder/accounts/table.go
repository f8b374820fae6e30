package accounts

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/lint"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// table is passwd(5) or group(5). Both have the name first and the number third.
type table struct {
	path    string
	what    string // one of its rows: "user"
	absent  bool
	changed bool
	lines   []string // of the file, without their ends
	rows    []row
}

// row is a line of a table, cut at its colons.
type row struct {
	line   int // counted from 1; 0 for none yet
	fields []string
}

// mostRead bounds the bytes of a file. A row takes a hundred times the memory of a short line.
const mostRead = 1 << 20

// readTable reads a file of the root. It skips empty lines and comments.
func readTable(root lint.Planned, path, what string) (*table, error) {
	t := &table{path: path, what: what}
	e := plan.Find(root, path)
	if e == nil {
		t.absent = true
		if link := plan.At(root, path); link != nil {
			t.path += " -> " + link.Target
		}
		return t, nil
	}
	if e.Size > mostRead {
		return nil, fmt.Errorf("read %s of the root: larger than 1 MiB", path)
	}
	text, err := root.Read(path)
	if err != nil {
		return nil, err
	}
	line := 0
	for text := range strings.Lines(string(text)) {
		line++
		t.lines = append(t.lines, strings.TrimSuffix(text, "\n"))
		if text = strings.TrimSpace(text); text != "" && text[0] != '#' {
			t.rows = append(t.rows, row{line, strings.Split(text, ":")})
		}
	}
	return t, nil
}

// longest bounds the bytes of names in messages. A file that is not a table may have longer ones.
const longest = 32

// named returns the first row with a name.
func (t *table) named(name string) (row, error) {
	var names []string
	for _, r := range t.rows {
		if r.name() == name {
			return r, nil
		}
		names = append(names, r.name()[:min(len(r.name()), longest)])
	}
	if t.absent {
		return row{}, fmt.Errorf("the root has no %s\n  add that file, or write the id of the %s", t.path, t.what)
	}
	near := ""
	if n := manifests.Nearest(name, names); n != "" {
		near = fmt.Sprintf(" (did you mean %q?)", n)
	}
	return row{}, fmt.Errorf("the root's %s has no %s %q%s\n  it has %s", t.path, t.what, name, near, list(names))
}

// numbered returns the first row with a number, or false.
func (t *table) numbered(id uint32) (row, bool) {
	i := slices.IndexFunc(t.rows, func(r row) bool {
		have, err := r.id(2)
		return err == nil && have == id
	})
	if i < 0 {
		return row{}, false
	}
	return t.rows[i], true
}

// list returns names with commas between them, the first of many.
func list(names []string) string {
	const most = 12
	var shown []string
	for _, name := range names[:min(most, len(names))] {
		shown = append(shown, strconv.Quote(name))
	}
	switch more := len(names) - most; {
	case len(names) == 0:
		return "none"
	case more > 0:
		return fmt.Sprintf("%s and %d more", strings.Join(shown, ", "), more)
	}
	return strings.Join(shown, ", ")
}

// idAt returns a number of a row of the table.
func (t *table) idAt(r row, field int) (uint32, error) {
	id, err := r.id(field)
	if err != nil {
		return 0, fmt.Errorf("line %d of the root's %s: %w", r.line, t.path, err)
	}
	return id, nil
}

func (r row) name() string { return r.fields[0] }

// text returns a field, "" if the line ends before it.
func (r row) text(field int) string {
	if field < len(r.fields) {
		return r.fields[field]
	}
	return ""
}

func (r row) id(field int) (uint32, error) {
	id, ok := parseID(r.text(field))
	if !ok {
		return 0, fmt.Errorf("field %d is no id: %q", field+1, r.text(field))
	}
	return id, nil
}

// parseID reads the number of a user or group. The largest number of 32 bits is not an id: to
// setuid(2) and chown(2) it means "no change".
func parseID(text string) (id uint32, ok bool) {
	n, err := strconv.ParseUint(text, 10, 32)
	return uint32(n), err == nil && n < math.MaxUint32
}
