package zstd

// little returns b, of at most eight bytes, as a number. Everything in the format
// has its lowest byte first: RFC 8878, 3.
func little(b []byte) (v uint64) {
	for i, c := range b {
		v |= uint64(c) << (8 * i)
	}
	return v
}

// word returns the eight bytes of b at i; the compiler makes one load of it.
func word(b []byte, i int) uint64 {
	b = b[i : i+8 : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// put stores v at b[i:i+8]; the compiler makes one store of it.
func put(b []byte, i int, v uint64) {
	b = b[i : i+8 : i+8]
	b[0], b[1], b[2], b[3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
	b[4], b[5], b[6], b[7] = byte(v>>32), byte(v>>40), byte(v>>48), byte(v>>56)
}

// A bit stream is written from the front and read from the back: RFC 8878, 4.1.
// Its reader is no more than the number n of bits that lie before the next one to
// be read, counted from the start of the slice that holds the stream.

// fresh is how many bits below returns at the least.
const fresh = 57

// below returns the bits of b before bit n: the next to be read on top, fresh of
// them or more.
func below(b []byte, n int) uint64 { return word(b, (n+7)>>3-8) << (uint(-n) & 7) }

// top returns the k highest bits of v, k at most 63.
func top(v uint64, k uint8) uint64 { return v >> 1 >> ((63 - k) & 63) }

// stream returns the n of a bit stream that ends at b[end], or false if it has no
// end mark: the highest bit that is set in its last byte.
func stream(b []byte, start, end int) (n int, ok bool) {
	if start >= end || b[end-1] == 0 {
		return 0, false
	}
	n = 8*end - 1
	for c := b[end-1]; c < 0x80; c <<= 1 {
		n--
	}
	return n, true
}
