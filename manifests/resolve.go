package manifests

import (
	"bytes"
	"cmp"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"
)

// Resolve returns the manifest in data merged with what it includes, with its variables
// replaced, its aliases and merge keys followed, and without its keys x-NAME. Relative sources
// of included files become relative to the directory of the manifest. Items of contents that are
// left out are not in it. If the manifest is wrong, the error is of type [Errors].
func Resolve(data []byte, opt Options) ([]byte, error) {
	d := newDecoder(opt)
	top := d.tree(data, opt)
	if top != nil {
		d.manifest(top)
	}
	if len(d.errs) > 0 {
		return nil, d.errs.sorted()
	}
	var text bytes.Buffer
	out := yaml.NewEncoder(&text)
	out.SetIndent(2)
	if target := cmp.Or(opt.Arch, d.chosenFor); target != "" {
		top.set("arch", target)
	}
	top.walk(func(n *node) { n.move(filepath.Dir(d.file)) })
	err := out.Encode(top.yaml("vars"))
	return text.Bytes(), err
}

// set gives the mapping n a field, in the place of the one with its key.
func (n *node) set(key, text string) {
	for _, f := range n.fields {
		if f.key == key {
			f.val.text = text
			return
		}
	}
	n.fields = append(n.fields, field{key: key, val: &node{kind: scalar, text: text}})
}

// move makes a relative path of the host relative to another directory than its file's.
func (n *node) move(to string) {
	from := filepath.Dir(n.pos.File)
	if n.join == nil || from == to || filepath.IsAbs(n.text) {
		return
	}
	dir, err := filepath.Rel(to, from)
	if err != nil { // only from is absolute
		dir = from
	}
	n.text = n.join(dir, n.text)
}

// yaml returns the node as YAML, without one of its fields.
func (n *node) yaml(without string) *yaml.Node {
	switch n.kind {
	case mapping:
		y := &yaml.Node{Kind: yaml.MappingNode}
		for _, f := range n.fields {
			if f.key != without {
				y.Content = append(y.Content, word(f.key), f.val.yaml(""))
			}
		}
		return y
	case list:
		y := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range n.items {
			y.Content = append(y.Content, item.yaml(""))
		}
		return y
	}
	if n.null {
		return &yaml.Node{Kind: yaml.ScalarNode, Value: "~"}
	}
	return word(strings.ReplaceAll(n.text, "${", "$${"))
}

// word returns a scalar that YAML reads as the same text, and not as null.
func word(text string) *yaml.Node {
	y := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	if text == "" || y.ShortTag() == "!!null" {
		y.Style = yaml.DoubleQuotedStyle
	}
	return y
}
