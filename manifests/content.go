package manifests

import "time"

// Attr is the metadata that an item asks for. A nil value is left at its default.
type Attr struct {
	Mode   *uint32 // permission bits, 07777 at most
	Owner  Owner
	MTime  MTime
	Xattrs map[string]string // extended attributes, capabilities among them
}

// Owner is a user and a group, each an id or a name of the root's own /etc/passwd or /etc/group.
// Without either it is left at its default.
type Owner struct {
	UID, GID    *uint32
	User, Group string
	Pos         Pos  // of the value, if it has a name
	Keep        bool // take the host's (tree, file)
}

// MTime says which modification time an entry gets.
type MTime struct {
	Rule MTimeRule
	Time time.Time // for MTimeSet
}

// MTimeRule says how an entry gets its modification time.
type MTimeRule int

const (
	MTimeDefault MTimeRule = iota // SOURCE_DATE_EPOCH or 0; for tar the archive's, clamped
	MTimeKeep                     // the source's
	MTimeClamp                    // the source's, SOURCE_DATE_EPOCH at most
	MTimeSet                      // Time
)

// XattrRule says what happens to the extended attributes of a source.
type XattrRule int

const (
	XattrsDefault XattrRule = iota // they are left out, with a warning
	XattrsKeep                     // they are taken
	XattrsDrop                     // they are left out
)

// These rows are shared by several types of contents.
var (
	dstKey      = Key{Name: "dst", Kind: KindPath, Required: true, Doc: "Its path in the root."}
	ownerKey    = Key{Name: "owner", Kind: KindOwner, Default: "0:0", Doc: "Its user and group."}
	mtimeKey    = Key{Name: "mtime", Kind: KindTime, Otherwise: "`SOURCE_DATE_EPOCH`, or 0", Doc: "Its modification time."}
	xattrsKey   = Key{Name: "xattrs", Kind: KindXattrs, Roots: withStub, Doc: "Its extended attributes, by name."}
	capsKey     = Key{Name: "capabilities", Kind: KindCaps, Roots: withStub, Doc: "Capabilities of the program, for users other than root."}
	linksKey    = Key{Name: "links", Kind: KindPaths, Doc: "Further names of the file: hard links."}
	replaceKey  = Key{Name: "replace", Kind: KindBool, Default: "false", Doc: "Whether it takes the place of an entry from an earlier item."}
	excludeKey  = Key{Name: "exclude", Kind: KindPatterns, Doc: "Paths below its top that are left out; a directory is left out with everything in it."}
	whiteoutKey = Key{Name: "whiteouts", Kind: KindWord, Values: []string{"apply"}, Otherwise: "such a mark is an error",
		Doc: "Apply the marks of a container's layer, which delete entries of earlier items."}
	optionalKey     = Key{Name: "optional", Kind: KindBool, Default: "false", Doc: "Whether the source may be missing."}
	sourceXattrsKey = Key{Name: "xattrs", Kind: KindWord, Values: xattrRules, Otherwise: "they are left out, with a warning",
		Doc: "Whether the extended attributes of the source are kept."}
)

// with returns the key with another Doc.
func (k Key) with(doc string) Key {
	k.Doc = doc
	return k
}

func modeKey(standard string) Key {
	return Key{Name: "mode", Kind: KindMode, Default: standard, Doc: "Its permission bits."}
}

// item reads the keys that every type has, without dst.
func (o *object) item() Item {
	i := Item{Pos: o.pos}
	set(o, "replace", &i.Replace, parseBool)
	return i
}

// dst reads the destination of an item.
func (o *object) dst() destination {
	var d destination
	set(o, "dst", &d, parseDestination)
	return d
}

// dstOf is dst for an item without a name of its own, which cannot go into a directory.
func (o *object) dstOf(name string) string {
	p := o.dst()
	if p.directory && o.has("dst") {
		at := o.get("dst")
		o.errorf(at.pos, "dst %s: a %s is no directory", quote(at.text), name)
	}
	return p.path
}

// links reads further names of a file.
func (o *object) links() []string {
	var links []string
	for _, n := range o.list("links") {
		if link, ok := parse(o.decoder, n, "links", parseNewPath); ok {
			links = append(links, link)
		}
	}
	return links
}

// owned reads the owner, the time and the extended attributes of an item.
func (o *object) owned() Attr {
	var a Attr
	o.owner(&a.Owner, parseOwner)
	setGiven(o, "mtime", &a.MTime, parseMTime)
	a.Xattrs = o.ownXattrs()
	return a
}

// owner reads the owner of an item or a rule.
func (o *object) owner(dst *Owner, read func(string) (Owner, error)) {
	if setGiven(o, "owner", dst, read) && dst.User+dst.Group != "" {
		dst.Pos = o.get("owner").pos
	}
}

// attr is owned for an item that also has a mode.
func (o *object) attr() Attr {
	a := o.owned()
	o.someMode("mode", &a.Mode)
	return a
}

// whiteouts reports whether the item applies the marks of a layer.
func (o *object) whiteouts() bool {
	var word string
	choose(o, "whiteouts", &word)
	return word != ""
}
