package plan

// Unpacked returns the bytes of the files of a finished plan. Those of a file with several
// names count once.
func Unpacked(entries []*Entry) int64 {
	var n int64
	for _, e := range entries {
		if e.First == nil {
			n += e.Size
		}
	}
	return n
}

// ByOrigin returns the entries of a finished plan by the items that they come from.
func ByOrigin(entries []*Entry) map[string][]*Entry {
	by := map[string][]*Entry{}
	for _, e := range entries {
		by[e.Origin] = append(by[e.Origin], e)
	}
	return by
}
