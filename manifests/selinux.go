package manifests

// selinux decodes the selinux section, which may be empty; nil if there is none.
func (d *decoder) selinux(n *node) *SELinux {
	o := d.object(n, "selinux", "type", "file_contexts")
	if o == nil {
		return nil
	}
	s := &SELinux{Pos: o.pos}
	set(o, "type", &s.Type, parseName)
	if set(o, "file_contexts", &s.FileContexts, parseWord) {
		s.FileContexts = join(d.dir, s.FileContexts)
	}
	return s
}
