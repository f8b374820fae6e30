package zstd

import "math/bits"

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
// Where its reader stands is one number: the index, in the slice that holds the
// stream, of the lowest of the fresh bits that are to be read next. Reading k bits
// lowers it by k, and it ends up fresh bits before the stream's first one.

// fresh is how many bits below returns at the least.
const fresh = 57

// below returns the bits from bit at of b on upwards that are to be read next, the
// next one on top.
func below(b []byte, at int) uint64 { return word(b, at>>3) << (^at & 7) }

// top returns the k highest bits of v, k at most 63.
func top(v uint64, k uint8) uint64 { return v >> 1 >> ((63 - k) & 63) }

// above returns the bits from bit at of b on upwards, at least fresh of them, that
// one lowest.
func above(b []byte, at int) uint64 { return word(b, at>>3) >> (at & 7) }

// lowest[n] has the n lowest bits set.
var lowest = [33]uint32{
	0, 1<<1 - 1, 1<<2 - 1, 1<<3 - 1, 1<<4 - 1, 1<<5 - 1, 1<<6 - 1, 1<<7 - 1, 1<<8 - 1, 1<<9 - 1, 1<<10 - 1,
	1<<11 - 1, 1<<12 - 1, 1<<13 - 1, 1<<14 - 1, 1<<15 - 1, 1<<16 - 1, 1<<17 - 1, 1<<18 - 1, 1<<19 - 1, 1<<20 - 1,
	1<<21 - 1, 1<<22 - 1, 1<<23 - 1, 1<<24 - 1, 1<<25 - 1, 1<<26 - 1, 1<<27 - 1, 1<<28 - 1, 1<<29 - 1, 1<<30 - 1,
	1<<31 - 1, 1<<32 - 1,
}

// stream returns where the reader of a bit stream in b[start:end] stands first and
// where it has to stand last. A stream without its end mark, the highest bit that
// is set in the last byte, is not ok.
func stream(b []byte, start, end int) (at, done int, ok bool) {
	if start >= end || b[end-1] == 0 {
		return 0, 0, false
	}
	return 8*(end-1) + bits.Len8(b[end-1]) - 1 - fresh, 8*start - fresh, true
}
