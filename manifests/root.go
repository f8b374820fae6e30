package manifests

var rootSection = Section{Path: "root", Keys: []Key{
	{Name: "type", Kind: KindWord, Default: "tmpfs", Values: []string{string(Tmpfs), string(Bind), string(None)},
		Doc: "The kind of root: a tmpfs of its own, rootfs bound onto itself, or rootfs as the kernel leaves it."},
	{Name: "size", Kind: KindSize, Default: "auto", Values: []string{"auto"}, Roots: tmpfsOnly, Doc: "The size of the tmpfs: bytes, or `N%` of the RAM."},
	{Name: "inodes", Kind: KindNumber, Default: "auto", Values: []string{"auto"}, Roots: tmpfsOnly, Doc: "The number of inodes of the tmpfs."},
	{Name: "mode", Kind: KindMode, Default: "0755", Doc: "Permission bits of `/`."},
	{Name: "payload", Kind: KindCodec, Default: "auto", Values: codecNames(payloadCodecs), Roots: tmpfsOnly, Doc: "The codec of the part that the stub unpacks."},
	{Name: "extra", Kind: KindWord, Default: "merge", Values: []string{"merge", "drop", "error"},
		Roots: tmpfsOnly, Doc: "What the stub does with entries on rootfs that are not the image's."},
	{Name: "xattrs", Kind: KindWord, Default: "auto", Values: []string{"auto", "required"},
		Roots: withStub, Doc: "Whether the machine must take all of the root's extended attributes."},
}}

// root decodes the root section; whole is where the manifest starts.
func (d *decoder) root(n *node, whole Pos) Root {
	var r Root
	o := d.object(n, "root", &rootSection)
	choose(o, "type", &r.Type)
	set(o, "size", &r.Size, parseRootSize)
	set(o, "inodes", &r.Inodes, parseInodes)
	r.Mode = new(uint32)
	setDefault(o, "mode", r.Mode, parseMode)
	r.ModeSet = o.has("mode")
	o.mode("mode", r.Mode)
	r.Payload = o.compression("payload", payloadCodecs, whole)
	choose(o, "extra", &r.Extra)
	choose(o, "xattrs", &r.Xattrs)
	if r.Type != Tmpfs {
		rootfs := "under root.type: " + string(r.Type) + " the root is rootfs itself, "
		o.refuse(rootfs+"which the kernel sizes", "size", "inodes")
		o.refuse(rootfs+"with whatever else is on it", "extra")
		o.refuse(rootfs+"packed as compress says", "payload")
	}
	if r.Type == None {
		o.refuse(noXattrs, "xattrs")
	}
	return r
}
