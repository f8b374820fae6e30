package manifests

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// maxCopies is the largest number of nodes that all aliases together may stand for. Without
// it a few lines of nested aliases could fill the memory.
const maxCopies = 100_000

type kind int

const (
	broken kind = iota // already reported; it counts as any kind
	scalar
	list
	mapping
)

func (k kind) String() string {
	return [...]string{"something broken", "one value", "a list", "a mapping"}[k]
}

// node is YAML in the form that the decoder reads: aliases followed, merge keys applied,
// keys unique. No two nodes share their parts.
type node struct {
	pos    Pos // of an alias: where it is used
	kind   kind
	text   string // of a scalar, as written: "0755" and "755" differ
	null   bool   // an empty scalar, or ~
	fields []field
	items  []*node
	join   func(dir, src string) string // of a path of the host: joins it with a directory
}

// field is one key of a mapping, with its value.
type field struct {
	key string
	pos Pos
	val *node
}

func (n *node) has(key string) bool {
	_, ok := n.field(key)
	return ok
}

func (n *node) field(key string) (field, bool) {
	for _, f := range n.fields {
		if f.key == key {
			return f, true
		}
	}
	return field{}, false
}

// resolver turns yaml.v3's nodes into ours.
type resolver struct {
	*report
	open   map[*yaml.Node]bool // the nodes being resolved; an alias to one of them is a circle
	copies int                 // nodes made below an alias
	depth  int                 // aliases being followed
	full   bool                // maxCopies is reached and reported
}

func (r *resolver) place(y *yaml.Node) Pos { return Pos{r.file, y.Line, y.Column} }

func (r *resolver) resolve(y *yaml.Node) *node {
	n := &node{pos: r.place(y)}
	if r.depth > 0 {
		r.copies++
	}
	if r.copies > maxCopies {
		if !r.full {
			r.errorf(n.pos, "aliases repeat more than %d values", maxCopies)
		}
		r.full = true
		return n
	}
	if y.Kind == yaml.AliasNode {
		if r.open[y.Alias] {
			r.errorf(n.pos, "alias *%s stands within what it is an alias of", y.Value)
			return n
		}
		r.depth++
		target := r.resolve(y.Alias)
		r.depth--
		target.pos = n.pos
		return target
	}
	r.open[y] = true
	defer delete(r.open, y)

	switch tag := y.ShortTag(); tag {
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!!merge", "!!seq", "!!map":
	default:
		r.errorf(n.pos, "tag %s means nothing here", tag)
		return n
	}
	switch y.Kind {
	case yaml.ScalarNode:
		n.kind, n.text = scalar, y.Value
		n.null = y.ShortTag() == "!!null"
	case yaml.SequenceNode:
		n.kind = list
		for _, item := range y.Content {
			n.items = append(n.items, r.resolve(item))
		}
	case yaml.MappingNode:
		n.kind = mapping
		n.fields = r.fields(y)
	}
	return n
}

// fields resolves the keys and values of a mapping. Its own keys come first, then those of a
// merge key.
func (r *resolver) fields(y *yaml.Node) []field {
	var own, merged []field
	first := map[string]Pos{}
	for i := 0; i+1 < len(y.Content); i += 2 {
		name, pos := y.Content[i], r.place(y.Content[i])
		key := r.resolve(name)
		if key.kind == broken {
			continue
		}
		if key.kind != scalar {
			r.errorf(pos, "want a word as the key, got %s", key.kind)
			continue
		}
		if at, twice := first[key.text]; twice {
			r.errorf(pos, "duplicate key %s: first at %s", quote(key.text), at)
			continue
		}
		first[key.text] = pos
		val := r.resolve(y.Content[i+1])
		if name.ShortTag() == "!!merge" {
			merged = r.merge(val)
		} else {
			own = append(own, field{key.text, pos, val})
		}
	}
	for _, f := range merged {
		if _, hidden := first[f.key]; !hidden {
			own = append(own, f)
		}
	}
	return own
}

// merge returns the fields that a merge key stands for. In a list the earlier mapping wins,
// as https://yaml.org/type/merge.html says.
func (r *resolver) merge(val *node) []field {
	switch val.kind {
	case broken:
		return nil
	case mapping:
		return val.fields
	case list:
		var union []field
		hidden := map[string]bool{}
		for _, item := range val.items {
			if item.kind != mapping {
				r.want(item, "a mapping", "<<")
				continue
			}
			for _, f := range item.fields {
				if !hidden[f.key] {
					union = append(union, f)
				}
				hidden[f.key] = true
			}
		}
		return union
	}
	r.want(val, "a mapping", "<<")
	return nil
}

// walk calls do for every scalar value below n.
func (n *node) walk(do func(*node)) {
	if n.kind == scalar {
		do(n)
	}
	for _, f := range n.fields {
		f.val.walk(do)
	}
	for _, item := range n.items {
		item.walk(do)
	}
}

// report collects the problems of one file.
type report struct {
	file     string
	errs     Errors
	warnings Errors
}

func (r *report) errorf(pos Pos, format string, args ...any) {
	r.add(pos, advise("", format, args...))
}

// add reports err at pos, with its hint.
func (r *report) add(pos Pos, err error) { r.errs = append(r.errs, problem(pos, err)) }

// warn records a warning about an allowed value that is likely a mistake.
func (r *report) warn(pos Pos, err error) { r.warnings = append(r.warnings, problem(pos, err)) }

func problem(pos Pos, err error) *Error {
	return &Error{Pos: pos, Msg: strings.TrimSpace(err.Error()), Hint: Hint(err)}
}

// want reports that n, found under key, is of the wrong kind.
func (r *report) want(n *node, what, key string) {
	if n.kind != broken {
		r.errorf(n.pos, "%s: want %s, got %s", key, what, n.kind)
	}
}
