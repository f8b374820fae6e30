package manifests

var selinuxSection = Section{Path: "selinux", Keys: []Key{
	{Name: "type", Kind: KindName, Otherwise: "`SELINUXTYPE` of the root's `/etc/selinux/config`",
		Doc: "The directory in the root's `/etc/selinux` with the policy that labels the root."},
	{Name: "file_contexts", Kind: KindHostPath, Otherwise: "the policy's own", Doc: "A file of the host with the rules for labels."},
}}

// selinux decodes the selinux section, which may be empty. It returns nil if there is none.
func (d *decoder) selinux(n *node) *SELinux {
	o := d.object(n, "selinux", &selinuxSection)
	if o.absent {
		return nil
	}
	s := &SELinux{Pos: o.pos}
	set(o, "type", &s.Type, parseName)
	if set(o, "file_contexts", &s.FileContexts, parseWord) {
		s.FileContexts = join(d.hostDir(o.get("file_contexts"), join), s.FileContexts)
	}
	return s
}
