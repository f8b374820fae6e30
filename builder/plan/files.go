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

// Content returns where the content of the file e of a finished plan lies, whichever of the
// file's names e is.
func (e *Entry) Content() Data {
	if e.First != nil {
		return e.First.Data
	}
	return e.Data
}
