package gzip

import "math/bits"

// A bit pattern leads to an entry of a table, which says what it means:
//
//	bits 0-4    how many bits it takes, further bits of a number included
//	bits 8-11   how many of them are the code, which comes first
//	bits 13-15  what it is, if not a length or an offset
//	bits 16-31  the literal, or the least number that the further bits are added to
//
// An entry of 0 belongs to an invalid pattern. A code that is longer than the index of the
// first table goes on in a second table. The entry says where that begins and how long its
// index is.
const (
	literal = 1 << 15
	deeper  = 1 << 14
	ending  = 1 << 13
	special = deeper | ending

	maxLength  = 15 // of a code
	literalLog = 10 // width of the first table, in bits
	offsetLog  = 8
)

// The tables have room for the first and for all second ones that a code can need
// (zlib's examples/enough.c: 1334 and 402), and a length that an index is cut to fast.
type (
	literalCode [1 << 11]uint32
	offsetCode  [1 << 9]uint32
)

// taken is how many bits e takes.
func taken(e uint32) uint { return uint(e & 31) }

// number is the length or the offset of e, which has led to it by the lowest of v.
func number(e uint32, v uint64) int {
	return int(e>>16) + int(uint32(v)&(1<<(e&31)-1)>>(e>>8&15))
}

// symbols of the three codes, as entries of a code that takes no bits.
var (
	literalSymbols = lengthSymbols()
	offsetSymbols  = offsets()
)

// lengthSymbols are the literals, the end of the block, and lengths: RFC 1951, 3.2.5.
func lengthSymbols() (s [288]uint32) {
	for i := range uint32(256) {
		s[i] = literal | i<<16
	}
	s[256] = ending
	numbers(s[257:285], 3, 4)
	s[285] = 258 << 16
	return s
}

func offsets() (s [32]uint32) {
	numbers(s[:30], 1, 2)
	return s
}

// numbers are those of symbols: the further bits are one more after every group of
// symbols, but none for the first two groups.
func numbers(s []uint32, least, group uint32) {
	for i := range uint32(len(s)) {
		extra := uint32(0)
		if i >= 2*group {
			extra = i/group - 1
		}
		s[i] = extra | least<<16
		least += 1 << extra
	}
}

// fixedLengths returns the lengths of the codes of a block without codes of its own: RFC 1951,
// 3.2.6.
func fixedLengths() (literals [288]uint8, offsets [32]uint8) {
	for i := range literals {
		switch {
		case i < 144:
			literals[i] = 8
		case i < 256:
			literals[i] = 9
		case i < 280:
			literals[i] = 7
		default:
			literals[i] = 8
		}
	}
	for i := range offsets {
		offsets[i] = 5
	}
	return literals, offsets
}

// build makes the table of the code in which each symbol has a code of a length: RFC
// 1951, 3.2.2. 1<<log entries are the first table. A code is whole, or a single symbol
// of one bit, or has no symbols at all. (zlib wants that of the lengths to be whole.)
func build(table []uint32, log int, lengths []uint8, symbols []uint32) bool {
	var count, first [maxLength + 1]int
	for _, n := range lengths {
		count[n]++
	}
	used := len(lengths) - count[0]
	code, free := 0, 1
	for n := 1; n <= maxLength; n++ {
		first[n] = code
		code = (code + count[n]) << 1
		if free = free<<1 - count[n]; free < 0 {
			return false
		}
	}
	if free > 0 && used > 0 && (used > 1 || count[1] != 1) {
		return false
	}
	clear(table[:1<<log])
	// The longest code of those that go on from the same entry tells how wide the
	// second table is.
	next := first
	for _, n := range lengths {
		if int(n) > log {
			e := &table[reverse(next[n], n)&(1<<log-1)]
			*e = max(*e, uint32(n))
		}
		next[n]++
	}
	end := 1 << log
	next = first
	for s, n := range lengths {
		if n == 0 {
			continue
		}
		code := reverse(next[n], n)
		next[n]++
		part, shift := table[:1<<log], 0
		if int(n) > log {
			e := &table[code&(1<<log-1)]
			if *e&deeper == 0 {
				width := int(*e) - log
				if end+1<<width > len(table) {
					return false
				}
				*e = deeper | uint32(width) | uint32(end)<<16
				end += 1 << width
			}
			at := int(*e >> 16)
			part, shift = table[at:at+1<<(*e&31)], log
		}
		length := uint32(int(n) - shift)
		e := symbols[s]
		if e != 0 {
			e += length<<8 | length
		}
		for i := code >> shift; i < len(part); i += 1 << length {
			part[i] = e
		}
	}
	return true
}

// reverse returns a code with its first bit lowest, as it comes in the stream.
func reverse(code int, length uint8) int {
	return int(bits.Reverse16(uint16(code)) >> (16 - length))
}
