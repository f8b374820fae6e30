package plan

// SetRootMode gives entries that were asked for at / these permission bits, because a manifest
// sets no others there.
func SetRootMode(entries []*Entry, mode uint32) {
	for _, e := range entries {
		if e.Path == "/" && e.IsDir() && !e.Implied {
			e.Mode = TypeDir | mode
		}
	}
}
