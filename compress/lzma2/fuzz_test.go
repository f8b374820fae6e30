package lzma2

import "testing"

// FuzzEncode has our decoder and the library read what becomes of any data with any
// options, written in two parts.
func FuzzEncode(f *testing.F) {
	for i, s := range samples() {
		f.Add(s.data[:min(len(s.data), 300)], uint16(64+i), uint8(i), uint8(i), uint8(i), uint16(10*i))
	}
	var e Encoder
	f.Fuzz(func(t *testing.T, data []byte, nice uint16, depth, context, pb uint8, cut uint16) {
		o := Options{Dictionary: 4096, Nice: 2 + int(nice)%272, Depth: 1 + int(depth), LC: int(context) % 5, PB: int(pb) % 5}
		o.LP = int(context) / 5 % (5 - o.LC)
		check(t, encode(t, &e, data, 1+int(cut), o), data, o)
	})
}
