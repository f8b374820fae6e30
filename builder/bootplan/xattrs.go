package bootplan

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

// Xattrs is the name of the table of extended attributes, which cpio cannot carry. An image
// without attributes has no table.
//
// The table is text. Its first line is "xattrs 1", the version of the format. A line "attr NAME
// VALUE" is followed by a line for every path, absolute and clean, that has the attribute, so a
// value that many files share is stored once. A file with several names is listed by the first
// of them in the image's order. The last line is "end N" with the number of paths. Values and
// paths are escaped as in the plan, except that an empty value has no bytes.
const Xattrs = Dir + "/xattrs"

// Xattr is an extended attribute and the paths that have it.
type Xattr struct {
	Name, Value string
	Paths       []string
}

const xattrsFormat = "xattrs 1"

// MarshalXattrs returns a table as text.
func MarshalXattrs(list []Xattr) []byte {
	b := []byte(xattrsFormat + "\n")
	n := 0
	for _, a := range list {
		b = append(b, "attr "...)
		b = append(escape(b, a.Name), ' ')
		b = append(escape(b, a.Value), '\n')
		for _, path := range a.Paths {
			b = append(escape(b, path), '\n')
		}
		n += len(a.Paths)
	}
	return append(b, "end "+itoa(int64(n))+"\n"...)
}

// ReadXattrs reads a table and calls set for every path, in order. It holds only some lines of
// the table in memory. It stops at an error of set and returns that error unchanged.
func ReadXattrs(r io.Reader, set func(path, name, value string) error) error {
	t := xattrTable{set: set}
	var text []byte // read, not yet a whole line
	buf := make([]byte, 8<<10)
	for {
		n, err := r.Read(buf)
		text = append(text, buf[:n]...)
		if end := bytes.LastIndexByte(buf[:n], '\n'); end >= 0 {
			end += len(text) - n
			for _, l := range strings.Split(string(text[:end]), "\n") {
				if err := t.line(l); err != nil {
					return err
				}
			}
			text = append(text[:0], text[end+1:]...)
		}
		switch {
		case err == io.EOF && (len(text) > 0 || !t.ended):
			return errors.New("cut short")
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// xattrTable is a table being read.
type xattrTable struct {
	set         func(path, name, value string) error
	lines       int64
	paths       int64
	name, value string
	ended       bool
}

func (t *xattrTable) line(l string) error {
	t.lines++
	ok := false
	switch key, rest, _ := strings.Cut(l, " "); {
	case t.lines == 1:
		ok = l == xattrsFormat
	case t.ended:
	case key == "attr":
		name, value, _ := strings.Cut(rest, " ")
		if t.name, ok = unescape(name); ok {
			t.value, ok = unescape(value)
		}
	case key == "end":
		var n int64
		n, ok = ParseUint(rest, 10)
		ok, t.ended = ok && n == t.paths, true
	case t.name != "" && strings.HasPrefix(l, "/"):
		var path string
		if path, ok = unescape(l); ok && !strings.Contains(path+"/", "/../") {
			t.paths++
			return t.set(path, t.name, t.value)
		}
		ok = false
	}
	if !ok {
		return errors.New("line " + itoa(t.lines) + ": damaged")
	}
	return nil
}
