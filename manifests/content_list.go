package manifests

import "errors"

// List is a list of entries in the format of the kernel's gen_init_cpio. Their names are paths of
// the root.
type List struct {
	Item                        // Dst is not used
	Src       string            // host path, joined with its directory
	Dir       string            // host directory that relative locations in the list begin at; "" is the current one
	Vars      map[string]string // values for ${NAME} in locations
	MTime     MTime             // of all entries
	SrcXattrs XattrRule         // the extended attributes of the files
	Optional  bool              // a missing list is not an error
}

var listKeys = []Key{
	{Name: "src", Kind: KindHostPath, Required: true, Doc: "A list in the format of the kernel's `gen_init_cpio`."},
	{Name: "vars", Kind: KindMapping, Doc: "Values for `${NAME}` in locations, each a name with its value."},
	{Name: "mtime", Kind: KindTime, Otherwise: mtimeKey.Otherwise, Values: []string{"keep", "clamp"},
		Doc: "The modification time of its entries; `keep` takes that of each file of the host, `clamp` the same but `SOURCE_DATE_EPOCH` at most."},
	sourceXattrsKey,
	replaceKey,
	optionalKey.with("Whether the list may be missing."),
	libsKey,
	sysrootKey,
}

func (*List) Type() string { return "list" }

func readList(o *object) Content {
	l := &List{Item: o.item(), Src: o.source(), SrcXattrs: o.xattrRule()}
	l.Dst = "/"
	if n := o.get("src"); n != nil {
		l.Dir = o.hostDir(n, joinSource)
	}
	l.readVars(o)
	setGiven(o, "mtime", &l.MTime, parseSourceMTime)
	set(o, "optional", &l.Optional, parseBool)
	l.Libs = o.libs(false)
	return l
}

func (l *List) readVars(o *object) {
	n := o.get("vars")
	if n == nil || n.null {
		return
	}
	if n.kind != mapping {
		o.want(n, "a mapping", "vars")
		return
	}
	l.Vars = map[string]string{}
	for _, f := range n.fields {
		if value, ok := parse(o.decoder, f.val, f.key, parseText); ok {
			l.Vars[f.key] = value
		}
	}
}

func (l *List) check(root RootType) error {
	return errors.Join(checkSource("list", l.Src), l.SrcXattrs.check(root))
}
