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
