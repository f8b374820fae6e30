// Package words moves eight bytes at a time in slices. The decoders that the boot stub is
// linked with cannot afford encoding/binary, which brings reflection with it.
package words

// Load returns the eight bytes of b at i, the first one lowest. The compiler makes one
// load of it.
func Load(b []byte, i int) uint64 {
	b = b[i : i+8 : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// Store is the reverse of Load. The compiler makes one store of it.
func Store(b []byte, i int, v uint64) {
	b = b[i : i+8 : i+8]
	b[0], b[1], b[2], b[3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
	b[4], b[5], b[6], b[7] = byte(v>>32), byte(v>>40), byte(v>>48), byte(v>>56)
}

// Copy copies 16 bytes. The compiler makes one load and one store of it.
func Copy(dst []byte, i int, src []byte, j int) {
	*(*[16]byte)(dst[i : i+16]) = *(*[16]byte)(src[j : j+16])
}
