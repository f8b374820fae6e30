package manifests

import (
	"cmp"
	"errors"
	"slices"

	"github.com/mkinitfs/mkinitfs/internal/arch"
)

var whenSection = Section{Path: "contents.when", Keys: []Key{
	{Name: "arch", Kind: KindArchs, Doc: "The architecture of the image is one of these; `arm` is every version of it."},
	{Name: "NAME", Kind: KindTextOrTexts, Doc: "The variable of this name has one of these values."},
}}

// chooser finds the items of contents that a build takes.
type chooser struct {
	*decoder
	vars *variables
	arch string // of the image; "" if the manifest has a wrong one, which is reported elsewhere
}

// chooseItems removes the items of contents whose conditions do not hold, and all conditions.
// The removed items are in d.leftOut, to be checked, unless they have undefined variables.
// d.chosenFor becomes the architecture if an item depends on it.
func chooseItems(d *decoder, top *node, v *variables, override string) {
	contents, ok := d.peek(top, &topSection, "contents")
	if !ok || contents.val.kind != list {
		return
	}
	c := &chooser{decoder: d, vars: v, arch: cmp.Or(override, arch.Host())}
	if f, ok := d.peek(top, &topSection, "arch"); ok && override == "" {
		n := *f.val
		v.expand(&n)
		c.arch, _ = parseManifestArch(n.text)
	}
	contents.val.items = slices.DeleteFunc(contents.val.items, func(item *node) bool {
		if c.takes(item) {
			return false
		}
		if c.expands(item) {
			d.leftOut = append(d.leftOut, item)
		}
		return true
	})
}

// expands expands the variables of an item that is left out. It reports whether that works: some
// variables may be defined in other builds only.
func (c *chooser) expands(item *node) bool {
	v := *c.vars
	v.report = &report{}
	item.walk(v.expand)
	return len(v.errs) == 0
}

// takes reports whether all conditions of an item hold, and removes them.
func (c *chooser) takes(item *node) bool {
	f, ok := c.peek(item, &contentsSection, "when")
	if !ok {
		return true
	}
	item.fields = slices.DeleteFunc(item.fields, func(f field) bool { return f.key == "when" })
	when := f.val
	when.walk(c.vars.expand)
	if when.null {
		return true
	}
	if when.kind != mapping {
		c.want(when, "a mapping", "when")
		return true
	}
	all := true
	for _, f := range when.fields {
		holds := c.holds(f)
		all = all && holds
	}
	return all
}

// holds reports whether one condition holds. It is true for a condition with a reported error.
func (c *chooser) holds(f field) bool {
	if f.key == "arch" {
		return c.holdsArch(f)
	}
	c.ask(&whenSection, "NAME")
	if err := checkVariable(f.key); err != nil {
		c.add(f.pos, err)
		return true
	}
	c.vars.mentioned[f.key] = true
	value, ok, err := c.vars.lookup(f.key)
	switch {
	case errors.Is(err, errReported):
	case err != nil:
		c.add(f.pos, err)
	case !ok:
		c.add(f.pos, advise("give it with -D "+f.key+"=value, or a value under vars", "when: undefined variable %s", f.key))
	}
	words, good := c.words(f, parseRaw)
	return !ok || !good || slices.Contains(words, value)
}

func (c *chooser) holdsArch(f field) bool {
	c.ask(&whenSection, "arch")
	if c.arch == AutoArch {
		c.add(f.pos, advise("give --arch ARCH, or arch in the manifest",
			"when: arch: auto finds the architecture in the contents, so they cannot depend on it"))
		return true
	}
	c.chosenFor = c.arch
	words, good := c.words(f, func(text string) (string, error) {
		name, err := ParseArch(text)
		if text == arch.GOARCH(c.arch) { // arm is any version of it
			name = c.arch
		}
		return name, err
	})
	return !good || c.arch == "" || slices.Contains(words, c.arch)
}

// words reads the values of a condition, one or a list. It reports whether there are any, all of
// them good.
func (c *chooser) words(f field, read func(string) (string, error)) (words []string, good bool) {
	items := []*node{f.val}
	if f.val.kind == list {
		if items = f.val.items; len(items) == 0 {
			c.errorf(f.val.pos, "when: %s has an empty list, so the item is never taken", f.key)
		}
	}
	for _, n := range items {
		if word, ok := take(c.decoder, n, f.key, read); ok {
			words = append(words, word)
		}
	}
	return words, len(words) > 0 && len(words) == len(items)
}
