package manifests

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/mkinitfs/mkinitfs/internal/filecaps"
	"github.com/mkinitfs/mkinitfs/internal/xattr"
)

const noXattrs = "under root.type: none there is no stub to set extended attributes"

func parseXattrName(name string) (string, error) {
	if !xattr.Storable(name) {
		spaces := xattr.Spaces()
		last := len(spaces) - 1
		return "", fmt.Errorf("want a name that begins with %s or %s", strings.Join(spaces[:last], ", "), spaces[last])
	}
	return parseText(name)
}

// xattrRules are the words of an [XattrRule].
var xattrRules = []string{"keep", "drop"}

// xattrRule reads keep or drop for the extended attributes of a source.
func (o *object) xattrRule() XattrRule {
	n := o.get("xattrs")
	o.refuseXattrs()
	if n != nil && n.kind == mapping {
		o.add(n.pos, advise("an item of permissions sets them on what its path matches", "xattrs: want keep or drop, got a mapping"))
		return XattrsDefault
	}
	var word string
	choose(o, "xattrs", &word)
	return map[string]XattrRule{"keep": XattrsKeep, "drop": XattrsDrop}[word]
}

// ownXattrs reads the extended attributes in an item.
func (o *object) ownXattrs() map[string]string {
	o.refuseXattrs()
	return o.xattrs(o.get("xattrs"))
}

// refuseXattrs reports extended attributes that nothing can set.
func (o *object) refuseXattrs() {
	if n := o.get("xattrs"); o.noStub && n != nil && n.text != "drop" {
		o.refuse(noXattrs, "xattrs")
	}
}

// withCapabilities returns xattrs with those of the key capabilities added.
func (o *object) withCapabilities(xattrs map[string]string) map[string]string {
	if o.noStub {
		o.refuse(noXattrs, "capabilities")
	}
	caps, ok := o.capabilities()
	if !ok {
		return xattrs
	}
	if _, twice := xattrs[filecaps.Xattr]; twice {
		o.errorf(o.fields["capabilities"].pos, "capabilities and %s exclude each other", filecaps.Xattr)
	}
	if xattrs == nil {
		xattrs = map[string]string{}
	}
	xattrs[filecaps.Xattr] = caps
	return xattrs
}

// xattrs decodes a mapping of extended attributes.
func (d *decoder) xattrs(n *node) map[string]string {
	if n == nil || n.null {
		return nil
	}
	if n.kind != mapping {
		d.want(n, "a mapping", "xattrs")
		return nil
	}
	xattrs := map[string]string{}
	for _, f := range n.fields {
		if _, err := parseXattrName(f.key); err != nil {
			d.errorf(f.pos, "xattrs %s: %w", quote(f.key), err)
			continue
		}
		value, ok := d.xattr(f.key, f.val)
		if !ok {
			continue
		}
		if _, err := filecaps.Decode(value); f.key == filecaps.Xattr && err != nil {
			d.add(f.val.pos, advise("capabilities: [cap_net_raw+ep] makes a value", "%s: %w", f.key, err))
		}
		xattrs[f.key] = value
	}
	return xattrs
}

var xattrSection = Section{Path: "xattrs.NAME", Keys: []Key{
	{Name: "hex", Kind: KindText, Doc: "The value in hexadecimal digits."},
	{Name: "base64", Kind: KindText, Doc: "The value in base64, with its padding."},
}}

// xattr decodes a value. A scalar is the text itself. No NUL is added, unlike some C programs
// do. hex and base64 are for other bytes.
func (d *decoder) xattr(name string, n *node) (string, bool) {
	if n.kind != mapping {
		return parse(d, n, name, parseRaw)
	}
	o := d.object(n, name, &xattrSection)
	var value string
	switch {
	case o.has("hex") && o.has("base64"):
		o.errorf(o.fields["base64"].pos, "hex and base64 exclude each other")
	case o.has("hex"):
		return value, set(o, "hex", &value, parseHex)
	case o.has("base64"):
		return value, set(o, "base64", &value, parseBase64)
	case len(n.fields) == 0:
		o.errorf(o.pos, "%s needs hex or base64, or is text", name)
	}
	return "", false
}

func parseHex(text string) (string, error) {
	value, err := hex.DecodeString(text)
	if err != nil {
		return "", errors.New("want two hexadecimal digits for every byte")
	}
	return string(value), nil
}

func parseBase64(text string) (string, error) {
	value, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", errors.New("want base64, with its padding")
	}
	return string(value), nil
}
