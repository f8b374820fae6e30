package manifests

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxExpansion is the largest number of bytes that the variables of one file may expand to.
const maxExpansion = 16 << 20

// variables expands ${NAME}, ${NAME:-default} and ${NAME:?message} in values.
// Nothing else is special: $1, $HOME and $$ stay as they are, which leaves
// most shell text alone, and $${ is how to write ${ itself.
//
// A name is looked up among the definitions of the command line, then under
// vars, then in the environment. As in a shell, an empty value counts as none
// where a default or a message is given.
type variables struct {
	*report
	defined   map[string]string // -D
	vars      map[string]*node  // vars: of the manifest, expanded when first asked for
	getenv    func(string) (string, bool)
	expanded  map[string]bool // vars that are done
	busy      []string        // vars being expanded, outermost first
	mentioned map[string]bool
	grown     int
}

func newVariables(r *report, opt Options) *variables {
	v := &variables{
		report: r, defined: opt.Vars, getenv: opt.Getenv,
		vars: map[string]*node{}, expanded: map[string]bool{}, mentioned: map[string]bool{},
	}
	if v.getenv == nil {
		v.getenv = func(string) (string, bool) { return "", false }
	}
	return v
}

// declare reads the vars mapping and expands its values.
func (v *variables) declare(n *node) {
	if n.kind == scalar && n.null {
		return
	}
	if n.kind != mapping {
		v.want(n, "a mapping", "vars")
		return
	}
	for _, f := range n.fields {
		v.define(f)
	}
	for _, f := range n.fields {
		if _, ok := v.defined[f.key]; !ok && v.vars[f.key] != nil {
			v.lookup(f.key)
		}
	}
}

// define adds a variable of the manifest.
func (v *variables) define(f field) {
	v.mentioned[f.key] = true
	if err := checkVariable(f.key); err != nil {
		v.add(f.pos, err)
		return
	}
	if f.val.kind != scalar {
		v.want(f.val, "one value", f.key)
		f.val.kind = broken
	} else if f.val.null {
		v.add(f.val.pos, noValue(f.key))
		f.val.kind = broken
	}
	v.vars[f.key] = f.val
}

// checkVariable returns an error if name cannot be that of a variable.
func checkVariable(name string) error {
	if start, rest := cutName(name); start == "" || rest != "" {
		return fmt.Errorf("variable %s: want letters, digits and _ as the name", quote(name))
	}
	return nil
}

// unused reports the definitions of the command line that no variable uses.
func (v *variables) unused(at Pos) {
	for _, name := range slices.Sorted(maps.Keys(v.defined)) {
		if v.mentioned[name] {
			continue
		}
		hint := "it mentions no variable at all"
		if len(v.mentioned) > 0 {
			hint = "it mentions " + strings.Join(slices.Sorted(maps.Keys(v.mentioned)), ", ")
		}
		v.add(at, advise(hint, "-D %s: no ${%s} in the manifest", name, name))
	}
}

// expand replaces the text of a scalar. On an error it reports the cause and marks the scalar
// broken.
func (v *variables) expand(n *node) {
	if n.kind != scalar || n.null || !strings.Contains(n.text, "${") {
		return
	}
	pieces, _, err := parsePieces(n.text, 0)
	if err != nil {
		v.add(n.pos, err)
		n.kind = broken
		return
	}
	text, err := v.join(pieces)
	if err != nil {
		if !errors.Is(err, errReported) {
			v.add(n.pos, err)
		}
		n.kind = broken
		return
	}
	n.text = text
}

// errReported means that the problem of a variable is already reported.
var errReported = errors.New("reported")

func (v *variables) join(pieces []piece) (string, error) {
	var b strings.Builder
	for _, p := range pieces {
		text := p.text
		if p.name != "" {
			var err error
			if text, err = v.value(p); err != nil {
				return "", err
			}
		}
		if v.grown += len(text); v.grown > maxExpansion {
			return "", fmt.Errorf("variables expand to more than %d MiB", maxExpansion>>20)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

func (v *variables) value(p piece) (string, error) {
	value, ok, err := v.lookup(p.name)
	switch {
	case err != nil:
		return "", err
	case p.op == opPlain && !ok:
		return "", advise(fmt.Sprintf("give it with -D %s=value, or write $${%s} for the text itself", p.name, p.name),
			"undefined variable %s", p.name)
	case p.op == opPlain || value != "":
		return value, nil
	}
	arg, err := v.join(p.arg)
	if err != nil || p.op == opDefault {
		return arg, err
	}
	return "", fmt.Errorf("variable %s: %s", p.name, arg)
}

func (v *variables) lookup(name string) (value string, ok bool, err error) {
	if value, ok := v.defined[name]; ok {
		return value, true, nil
	}
	n := v.vars[name]
	// Within its own value a name means the outer variable: rootfs: "${rootfs:-out}".
	if n == nil || len(v.busy) > 0 && v.busy[len(v.busy)-1] == name {
		value, ok := v.getenv(name)
		return value, ok, nil
	}
	if slices.Contains(v.busy, name) {
		return "", false, fmt.Errorf("variables refer to each other in a circle: %s, %s", strings.Join(v.busy, ", "), name)
	}
	if !v.expanded[name] {
		v.busy = append(v.busy, name)
		v.expand(n)
		v.busy = v.busy[:len(v.busy)-1]
		v.expanded[name] = true
	}
	if n.kind == broken {
		return "", false, errReported
	}
	return n.text, true, nil
}

// mention records the names of all variables below n, used or not.
func (v *variables) mention(n *node) {
	n.walk(func(n *node) {
		if strings.Contains(n.text, "${") {
			pieces, _, _ := parsePieces(n.text, 0) // expand reports the error
			v.mentionPieces(pieces)
		}
	})
}

// mentionPieces records the names in pieces, including those in defaults.
func (v *variables) mentionPieces(pieces []piece) {
	for _, p := range pieces {
		if p.name != "" {
			v.mentioned[p.name] = true
		}
		v.mentionPieces(p.arg)
	}
}

// piece is a part of a value: text, or a variable if it has a name.
type piece struct {
	text string
	name string
	op   op
	arg  []piece
}

type op int

const (
	opPlain   op = iota // ${NAME}
	opDefault           // ${NAME:-arg}
	opRequire           // ${NAME:?arg}
)

// maxNesting is the deepest nesting of defaults within defaults.
const maxNesting = 100

// parsePieces cuts text at its variables. Within a default or a message, where depth is not
// 0, it stops at the } that ends it and returns what follows. On an error it also returns the
// pieces before it.
func parsePieces(text string, depth int) (pieces []piece, rest string, err error) {
	if depth > maxNesting {
		return nil, "", fmt.Errorf("variables nested more than %d deep", maxNesting)
	}
	for text != "" {
		switch {
		case strings.HasPrefix(text, "$${"):
			pieces, text = append(pieces, piece{text: "${"}), text[len("$${"):]
		case strings.HasPrefix(text, "${"):
			var p piece
			p, text, err = parseVariable(text, depth)
			pieces = append(pieces, p)
			if err != nil {
				return pieces, "", err
			}
		case depth > 0 && text[0] == '}':
			return pieces, text[1:], nil
		default:
			end := strings.IndexAny(text[1:], "$}") + 1
			if end == 0 {
				end = len(text)
			}
			pieces, text = append(pieces, piece{text: text[:end]}), text[end:]
		}
	}
	if depth > 0 {
		return pieces, "", errors.New("${ without its }")
	}
	return pieces, "", nil
}

// parseVariable reads the variable that text starts with.
func parseVariable(text string, depth int) (p piece, rest string, err error) {
	p.name, rest = cutName(text[len("${"):])
	switch {
	case p.name != "" && strings.HasPrefix(rest, "}"):
		return p, rest[1:], nil
	case p.name != "" && strings.HasPrefix(rest, ":-"):
		p.op = opDefault
	case p.name != "" && strings.HasPrefix(rest, ":?"):
		p.op = opRequire
	default:
		if end := strings.IndexAny(text, "}\n"); end > 0 {
			text = text[:end+1]
		}
		return p, "", advise("known: ${NAME}, ${NAME:-default}, ${NAME:?message}; write $${ for the text itself",
			"unknown kind of variable %s", quote(text))
	}
	p.arg, rest, err = parsePieces(rest[2:], depth+1)
	return p, rest, err
}

// cutName splits text after the variable name it starts with.
func cutName(text string) (name, rest string) {
	end := 0
	for end < len(text) {
		c := text[end] | 0x20 // lower case, for letters
		if !(c >= 'a' && c <= 'z' || text[end] == '_' || end > 0 && text[end] >= '0' && text[end] <= '9') {
			break
		}
		end++
	}
	return text[:end], text[end:]
}
