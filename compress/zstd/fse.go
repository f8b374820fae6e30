package zstd

import (
	"math/bits"

	"github.com/mkinitfs/mkinitfs/compress/words"
)

// Finite state entropy coding: RFC 8878, 4.1. A state is an index of a table; its
// entry gives the symbol and how to reach the next state: read so many bits and
// add them to a base.

// entry of a table. Symbols are numbers: in the codes of sequences a symbol
// stands for a range of numbers, and extra bits pick one of them. It is one number
// for the sake of the loop that takes three at once: a load each, and their sum
// holds the sums of bits and of extra.
//
//	bits   8 bits, how many to read for the next state
//	extra  8 bits, how many to read for the number
//	next   16 bits, the state that follows; what is read is added to it
//	value  32 bits, of the symbol; what is read is added to it
type entry uint64

func newEntry(value uint32, next uint16, extra, bits uint8) entry {
	return entry(value)<<32 | entry(next)<<16 | entry(extra)<<8 | entry(bits)
}

func (e entry) value() uint32 { return uint32(e >> 32) }
func (e entry) next() uint16  { return uint16(e >> 16) }
func (e entry) extra() uint8  { return uint8(e >> 8) }
func (e entry) bits() uint8   { return uint8(e) }

// maxSymbols is the size of the largest alphabet, that of match lengths.
const maxSymbols = 53

// alphabet is a set of symbols. Each stands for 1<<extra numbers, which begin
// where those of the symbol before it end.
type alphabet struct {
	first  uint32 // what the first symbol stands for
	extra  string
	maxLog int // of a table's size
}

// probabilities are those of the symbols of an alphabet, in parts of 1<<log. -1 is a symbol
// with less than one part: it gets one, at the end of the table.
type probabilities struct {
	log   int
	parts [maxSymbols]int16
	n     int
}

// read reads probabilities from b[i:end] and returns where they end: RFC 8878,
// 4.1.1.
func (p *probabilities) read(b []byte, i, end int, a *alphabet) (int, bool) {
	if i >= end {
		return 0, false
	}
	bit := 8 * i
	p.log = int(b[i]&15) + 5
	if p.log > a.maxLog {
		return 0, false
	}
	bit += 4
	p.n = 0
	for left := 1 << p.log; left > 0; {
		// The number that follows is 0 to left+1. As that is seldom a power of two,
		// the lowest numbers do with a bit less.
		size := bits.Len(uint(left + 1))
		short := 1<<size - 1 - (left + 1)
		v := int(words.Load(b, bit>>3) >> (bit & 7) & (1<<size - 1))
		if low := v & (1<<(size-1) - 1); low < short {
			v = low
			bit += size - 1
		} else {
			if v >= 1<<(size-1) {
				v -= short
			}
			bit += size
		}
		part := v - 1
		if p.n == len(a.extra) || bit > 8*end {
			return 0, false
		}
		p.parts[p.n] = int16(part)
		p.n++
		if part < 0 {
			part = 1
		}
		left -= part
		for more := part == 0; more; {
			zeros := int(words.Load(b, bit>>3) >> (bit & 7) & 3)
			bit += 2
			if p.n+zeros > len(a.extra) || bit > 8*end {
				return 0, false
			}
			for range zeros {
				p.parts[p.n] = 0
				p.n++
			}
			more = zeros == 3
		}
	}
	return (bit + 7) >> 3, true
}

// build fills the table t, of 1<<p.log entries: RFC 8878, 4.1.1.
func (p *probabilities) build(t []entry, a *alphabet) {
	var (
		size  = len(t)
		mask  = size - 1
		end   = size // behind it are the symbols of probability -1
		next  [maxSymbols]uint16
		value [maxSymbols]uint32
	)
	for s, v := 0, a.first; s < p.n; s++ {
		value[s] = v
		v += 1 << a.extra[s]
		next[s] = uint16(p.parts[s])
		if p.parts[s] < 0 {
			next[s] = 1
			end--
			t[end] = entry(s)
		}
	}
	// The others are spread over the rest of the table in steps.
	i, step := 0, size>>1+size>>3+3
	for s := range p.n {
		for range p.parts[s] {
			t[i] = entry(s)
			for i = (i + step) & mask; i >= end; {
				i = (i + step) & mask
			}
		}
	}
	for i, s := range t {
		state := next[s]
		next[s]++
		n := uint8(p.log + 1 - bits.Len16(state))
		t[i] = newEntry(value[s], state<<n-uint16(size), a.extra[s], n)
	}
}
