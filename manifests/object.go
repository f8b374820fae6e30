package manifests

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// decoder reads the sections of a manifest from a tree of nodes. Each method reads the keys
// that it knows, reports all others, and returns a value with which the other methods can go
// on.
type decoder struct {
	*report
	dir     string // of relative sources, except in included files; "" is the manifest's directory
	noStub  bool   // root.type is none
	sysroot bool   // the manifest has a sysroot at its top
	stdin   bool   // the manifest has come in on standard input

	included  []string // files that the manifest includes
	leftOut   []*node  // items of contents that are not taken, and only checked
	chosenFor string   // the architecture that items were taken or left out for; "" if none depends on it

	asked func(s *Section, key string) // called for every key that is read; nil outside tests
}

// object is a mapping with its section of the table. An absent mapping, or one with a
// reported error, has no keys.
type object struct {
	*decoder
	section *Section
	pos     Pos
	absent  bool
	fields  map[string]field
}

// object takes n as a mapping called name and reports the keys that are not in its
// section.
func (d *decoder) object(n *node, name string, s *Section) *object {
	o := &object{decoder: d, section: s, absent: true}
	if n == nil || n.kind == broken || n.null {
		return o
	}
	if n.kind != mapping {
		d.want(n, "a mapping", name)
		return o
	}
	o.absent, o.pos, o.fields = false, n.pos, map[string]field{}
	known := s.names()
	for _, f := range n.fields {
		if slices.Contains(known, f.key) {
			o.fields[f.key] = f
		} else {
			d.add(f.pos, unknownKey(name, f.key, known))
		}
	}
	return o
}

// get returns the value of key, nil if there is none.
func (o *object) get(key string) *node {
	o.ask(o.section, key)
	return o.fields[key].val
}

// peek returns a field of n, a mapping whose keys have not been checked yet.
func (d *decoder) peek(n *node, s *Section, key string) (field, bool) {
	d.ask(s, key)
	return n.field(key)
}

// ask records that a key is read. It panics if the table does not have the key.
func (d *decoder) ask(s *Section, key string) {
	s.key(key)
	if d.asked != nil {
		d.asked(s, key)
	}
}

// has reports whether key is there, with a good value or a bad one.
func (o *object) has(key string) bool { return o.get(key) != nil }

// require reports the required keys that are missing.
func (o *object) require(name string) {
	if o.absent {
		return
	}
	missing := slices.DeleteFunc(o.section.required(), o.has)
	if len(missing) > 0 {
		o.errorf(o.pos, "%s needs %s", name, strings.Join(missing, " and "))
	}
}

// refuse reports each of keys that is there, with the reason why it has no effect.
func (o *object) refuse(reason string, keys ...string) {
	for _, key := range keys {
		if o.has(key) {
			o.add(o.fields[key].pos, doesNothing(key, reason))
		}
	}
}

func doesNothing(key, reason string) error {
	return fmt.Errorf("%s does nothing here: %s", key, reason)
}

// hostDir returns the directory that a relative path of the host in n begins at. Resolve moves
// the path with join if n stands in an included file.
func (d *decoder) hostDir(n *node, join func(dir, src string) string) string {
	n.join = join
	own := filepath.Dir(n.pos.File)
	if n.pos.File == d.file {
		return cmp.Or(d.dir, own)
	}
	return own
}

// list returns the items under key.
func (o *object) list(key string) []*node {
	n := o.get(key)
	if n == nil || n.null {
		return nil
	}
	if n.kind != list {
		o.want(n, "a list", key)
		return nil
	}
	return n.items
}

// text returns the text of a scalar found under key.
func (d *decoder) text(n *node, key string) (string, bool) {
	if n.kind != scalar {
		d.want(n, "one value", key)
		return "", false
	}
	if n.null {
		d.add(n.pos, noValue(key))
		return "", false
	}
	return n.text, true
}

func noValue(key string) error {
	return advise("write \"\" for an empty one", "%s has no value", key)
}

// take reads the scalar n, found under key, with read. It reports the error unchanged.
func take[T any](d *decoder, n *node, key string, read func(string) (T, error)) (value T, ok bool) {
	text, ok := d.text(n, key)
	if !ok {
		return value, false
	}
	value, err := read(text)
	if err != nil {
		d.add(n.pos, err)
		return value, false
	}
	return value, true
}

// parse is take with the key and the text in front of an error.
func parse[T any](d *decoder, n *node, key string, read func(string) (T, error)) (T, bool) {
	return take(d, n, key, func(text string) (T, error) {
		value, err := read(text)
		if err != nil {
			err = advise(Hint(err), "%s %s: %w", key, quote(text), err)
		}
		return value, err
	})
}

// set reads the value of key into dst, which gets the key's default first. It reports
// whether the manifest has a good one.
func set[T any](o *object, key string, dst *T, read func(string) (T, error)) bool {
	setDefault(o, key, dst, read)
	return setGiven(o, key, dst, read)
}

// setGiven is set without the default.
func setGiven[T any](o *object, key string, dst *T, read func(string) (T, error)) bool {
	n := o.get(key)
	if n == nil {
		return false
	}
	value, ok := parse(o.decoder, n, key, read)
	if ok {
		*dst = value
	}
	return ok
}

// setDefault gives dst the default of key, if it has one.
func setDefault[T any](o *object, key string, dst *T, read func(string) (T, error)) {
	text := o.section.key(key).Default
	if text == "" {
		return
	}
	value, err := read(text)
	if err != nil {
		panic("manifests: default of " + key + ": " + err.Error())
	}
	*dst = value
}

// setSome is setGiven for a value that is nil when it is not given.
func setSome[T any](o *object, key string, dst **T, read func(string) (T, error)) {
	var value T
	if setGiven(o, key, &value, read) {
		*dst = &value
	}
}

// choose reads the value of key, one of the words of its row, into dst, which gets the
// key's default first.
func choose[T ~string](o *object, key string, dst *T) {
	row := o.section.key(key)
	*dst = T(row.Default)
	n := o.get(key)
	if n == nil {
		return
	}
	word, ok := take(o.decoder, n, key, func(text string) (T, error) {
		if !slices.Contains(row.Values, text) {
			return "", unknown(key, text, row.Values)
		}
		return T(text), nil
	})
	if ok {
		*dst = word
	}
}
