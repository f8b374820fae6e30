package manifests

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// read parses data as YAML. It returns nil if it has reported a problem.
func (d *decoder) read(data []byte) *node {
	if pos, bad := d.firstBad(data); bad != "" {
		d.add(pos, advise("a manifest is UTF-8 text", "%s in it", bad))
		return nil
	}
	yamls := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	err := yamls.Decode(&first)
	if err == nil {
		err = yamls.Decode(&second)
	}
	switch {
	case err == nil:
		d.errorf(Pos{d.file, second.Line, second.Column}, "another document: a file holds one manifest")
		return nil
	case err != io.EOF:
		d.syntax(data, err)
		return nil
	case first.Kind != yaml.DocumentNode || first.Content[0].ShortTag() == "!!null":
		d.add(Pos{d.file, 1, 1}, advise("a manifest starts with version: 1", "nothing in it"))
		return nil
	}
	r := &resolver{report: d.report, open: map[*yaml.Node]bool{}}
	top := r.resolve(first.Content[0])
	if r.full {
		return nil
	}
	if top.kind != mapping {
		d.want(top, "a mapping", "manifest")
		return nil
	}
	return top
}

// firstBad finds the first byte that is not text. The error of yaml.v3 for it has no line.
func (d *decoder) firstBad(data []byte) (pos Pos, bad string) {
	pos = Pos{d.file, 1, 1}
	for rest := data; len(rest) > 0; {
		c, size := utf8.DecodeRune(rest)
		switch {
		case c == utf8.RuneError && size == 1:
			return pos, fmt.Sprintf("byte 0x%02x", rest[0])
		case c == '\n':
			pos.Line, pos.Col = pos.Line+1, 0
		case c < ' ' && c != '\t' && c != '\r' || c == 0x7f:
			return pos, fmt.Sprintf("control character %U", c)
		}
		rest = rest[size:]
		pos.Col++
	}
	return pos, ""
}
