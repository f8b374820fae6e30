package zstd

import (
	"math/bits"

	"github.com/mkinitfs/mkinitfs/compress/words"
)

// little returns b, of at most eight bytes, as a number. Everything in the format
// has its lowest byte first: RFC 8878, 3.
func little(b []byte) (v uint64) {
	for i, c := range b {
		v |= uint64(c) << (8 * i)
	}
	return v
}

// A bit stream is written from the front and read from the back: RFC 8878, 4.1.
// Where its reader stands is one number: the index, in the slice that holds the
// stream, of the lowest of the fresh bits that are to be read next. Reading k bits
// lowers it by k, and it ends up fresh bits before the stream's first one.

// fresh is how many bits below returns at the least.
const fresh = 57

// below returns the bits from bit at of b on upwards that are to be read next, the
// next one on top.
func below(b []byte, at int) uint64 { return words.Load(b, at>>3) << (^at & 7) }

// top returns the k highest bits of v, k at most 63.
func top(v uint64, k uint8) uint64 { return v >> 1 >> ((63 - k) & 63) }

// above returns the bits from bit at of b on upwards, at least fresh of them, that
// one lowest.
func above(b []byte, at int) uint64 { return words.Load(b, at>>3) >> (at & 7) }

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
