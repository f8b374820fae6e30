package xz

import "testing"

// FuzzDecode has the library judge what is accepted.
func FuzzDecode(f *testing.F) {
	for _, s := range smallStreams(f) {
		f.Add(s.Data)
	}
	var o oracle
	f.Fuzz(func(t *testing.T, data []byte) { o.compare(t, data) })
}
