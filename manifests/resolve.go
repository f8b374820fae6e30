package manifests

import (
	"bytes"
	"strings"

	"gopkg.in/yaml.v3"
)

// Resolve returns the manifest in data with its variables replaced, its aliases and merge keys
// followed, and without its keys x-NAME. If the manifest is wrong, the error is of type [Errors].
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
	err := out.Encode(top.yaml("vars"))
	return text.Bytes(), err
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
