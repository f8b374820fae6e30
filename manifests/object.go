package manifests

import (
	"slices"
	"strings"
)

// decoder reads the sections of a manifest off a tree of nodes. Each method
// takes what it understands, reports the rest, and returns something that the
// others can go on with.
type decoder struct {
	*report
	dir    string // of relative sources
	noStub bool   // root.type is none
	stdin  bool   // the manifest has come in on standard input
}

// object is a mapping of which the keys are known. A nil one has no keys: it
// stands for a section that is not there, or was reported.
type object struct {
	*decoder
	pos    Pos
	fields map[string]field
}

// object takes n as a mapping called name and reports the keys that are not
// among known.
func (d *decoder) object(n *node, name string, known ...string) *object {
	if n == nil || n.kind == broken || n.null {
		return nil
	}
	if n.kind != mapping {
		d.want(n, "a mapping", name)
		return nil
	}
	o := &object{d, n.pos, map[string]field{}}
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
	if o == nil {
		return nil
	}
	return o.fields[key].val
}

// has reports whether key is there, be its value good or bad.
func (o *object) has(key string) bool { return o.get(key) != nil }

// require reports those of keys that are missing.
func (o *object) require(name string, keys ...string) {
	if o == nil {
		return
	}
	keys = slices.DeleteFunc(slices.Clone(keys), o.has)
	if len(keys) > 0 {
		o.errorf(o.pos, "%s needs %s", name, strings.Join(keys, " and "))
	}
}

// refuse reports each of keys that is there, with the reason why it cannot be.
func (o *object) refuse(reason string, keys ...string) {
	for _, key := range keys {
		if o.has(key) {
			o.errorf(o.fields[key].pos, "%s does nothing here: %s", key, reason)
		}
	}
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

// take reads the scalar n, found under key, with read, and reports its error as
// it is.
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

// parse is take, with the key and the text put before an error.
func parse[T any](d *decoder, n *node, key string, read func(string) (T, error)) (T, bool) {
	return take(d, n, key, func(text string) (T, error) {
		value, err := read(text)
		if err != nil {
			err = advise(Hint(err), "%s %s: %w", key, quote(text), err)
		}
		return value, err
	})
}

// set reads the value of key into dst, and reports whether it did.
func set[T any](o *object, key string, dst *T, read func(string) (T, error)) bool {
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

// setSome is set for a value that is nil when it is not given.
func setSome[T any](o *object, key string, dst **T, read func(string) (T, error)) {
	var value T
	if set(o, key, &value, read) {
		*dst = &value
	}
}

// choose reads the value of key into dst: one of words.
func choose[T ~string](o *object, key string, dst *T, words ...string) {
	n := o.get(key)
	if n == nil {
		return
	}
	word, ok := take(o.decoder, n, key, func(text string) (T, error) {
		if !slices.Contains(words, text) {
			return "", unknown(key, text, words)
		}
		return T(text), nil
	})
	if ok {
		*dst = word
	}
}
