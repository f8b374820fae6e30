package manifests

import "slices"

// Permission changes entries of the plan, whatever brought them.
type Permission struct {
	Glob    Glob
	Mode    *uint32 // directories get x wherever there is r, unless DirMode is set
	DirMode *uint32
	Owner   Owner
	MTime   MTime
	Xattrs  map[string]string // added to those of the entry
}

var permissionsSection = Section{Path: "permissions", Keys: []Key{
	{Name: "path", Kind: KindPattern, Required: true, Doc: "The entries that the rule is for."},
	{Name: "mode", Kind: KindMode, Doc: "Permission bits, with x added for directories wherever there is r."},
	{Name: "dir_mode", Kind: KindMode, Otherwise: "as `mode` says", Doc: "Permission bits of directories."},
	{Name: "owner", Kind: KindOwner, Doc: "User and group."},
	{Name: "mtime", Kind: KindTime, Doc: "The modification time."},
	{Name: "xattrs", Kind: KindXattrs, Roots: withStub, Doc: "Extended attributes that are added to the entry's own."},
	{Name: "capabilities", Kind: KindCaps, Roots: withStub, Doc: "Capabilities of programs, for users other than root."},
	{Name: "optional", Kind: KindBool, Default: "false", Doc: "Whether the path may match nothing."},
}}

// permission decodes one item of permissions and appends it to rules.
func (d *decoder) permission(n *node, rules *[]Permission) {
	if n.kind != mapping {
		d.want(n, "a mapping", "permissions")
		return
	}
	o := d.object(n, "permissions", &permissionsSection)
	o.require("an item of permissions")
	p := Permission{Glob: Glob{Pos: o.pos}}
	if set(o, "path", &p.Glob.Pattern, parsePattern) {
		p.Glob.Pos = o.get("path").pos
	}
	set(o, "optional", &p.Glob.Optional, parseBool)
	o.someMode("mode", &p.Mode)
	o.someMode("dir_mode", &p.DirMode)
	o.owner(&p.Owner, parseOwner)
	setGiven(o, "mtime", &p.MTime, parseMTime)
	p.Xattrs = o.withCapabilities(o.ownXattrs())
	if !slices.ContainsFunc([]string{"mode", "dir_mode", "owner", "mtime", "xattrs", "capabilities"}, o.has) {
		d.errorf(o.pos, "an item of permissions needs mode, dir_mode, owner, mtime, xattrs or capabilities")
	}
	*rules = append(*rules, p)
}
