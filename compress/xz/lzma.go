package xz

// lzma is the state of the decoder of symbols, which goes on from chunk to chunk.
type lzma struct {
	probs     [probCount]int16 // that a bit is 0, in 1/2048
	state     uint32           // what kinds the symbols before were of: 0-6 after a literal
	distances [4]uint32        // of the last matches, less 1
	match     int              // bytes to be copied of a match

	contextBits  uint32 // lc: how many bits of the byte before choose a literal's code
	literalMask  uint32 // lp: which bits of the position do
	positionMask uint32 // pb: and for other codes

	// The range coder in a chunk.
	span, code uint32
	pos, end   int // in the input
}

// The positions of the probabilities in one array, so that the loop below has a single base.
const (
	isMatch       = 0                         // state, position
	isRepeat      = isMatch + 12<<4           // state
	isRepeat0     = isRepeat + 12             // state, 0: the last distance again
	isRepeat1     = isRepeat0 + 12            // state, 0: the last but one
	isRepeat2     = isRepeat1 + 12            // state, 0: the last but two
	isRepeat0Long = isRepeat2 + 12            // state, position; 0: one byte
	slots         = isRepeat0Long + 12<<4     // length up to 3, a tree of 6 bits
	special       = slots + 4<<6              // trees of the low bits of distances below 128
	align         = special + 128             // a tree of the lowest 4 bits of others
	matchLength   = align + 16                // of a match
	repeatLength  = matchLength + lengthCount // of one at a distance again
	literal       = repeatLength + lengthCount
	probCount     = literal + 0x300<<maxContext

	// Of a length.
	choice1     = 0           // 1: not low
	choice2     = 1           // 1: high
	low         = 2           // position, a tree of 3 bits
	mid         = low + 16<<3 // position, a tree of 3 bits
	high        = mid + 16<<3 // a tree of 8 bits
	lengthCount = high + 1<<8

	maxContext = 4 // lc and lp together, in LZMA2
)

// properties sets lc, lp and pb.
func (z *lzma) properties(b byte) bool {
	lc, lp, pb := b%9, b/9%5, b/45
	if pb > 4 || lc+lp > maxContext {
		return false
	}
	z.contextBits, z.literalMask, z.positionMask = uint32(lc), 1<<lp-1, 1<<pb-1
	return true
}

func (z *lzma) reset() {
	for i := range z.probs {
		z.probs[i] = 1 << 10
	}
	z.state, z.distances = 0, [4]uint32{}
}

// start starts the range coder on a chunk.
func (z *lzma) start(b []byte) bool {
	if len(b) < 5 || b[0] != 0 {
		return false
	}
	z.span, z.code = 1<<32-1, uint32(b[1])<<24|uint32(b[2])<<16|uint32(b[3])<<8|uint32(b[4])
	z.pos, z.end, z.match = 5, len(b), 0
	return true
}

// finished reports whether a chunk was used up by its last symbol.
func (z *lzma) finished() bool { return z.pos == z.end && z.code == 0 && z.match == 0 }

// bit decodes a bit. Its probability divides the span, and then moves towards the bit. Below
// 1<<24 the span first takes another byte of the input. bit returns the new i, span and code
// of the coder, and the bit. It has no branch to mispredict, and is small enough to be
// inlined.
func bit(in *input, i int, span, code uint32, p *int16) (int, uint32, uint32, uint32) {
	if span < 1<<24 {
		span, code, i = span<<8, code<<8|uint32(in[i]), i+1
	}
	bound := span >> 11 * uint32(*p)
	zero := uint32((int64(code) - int64(bound)) >> 63) // all ones, or 0
	*p -= (*p - int16(zero)&2017) >> 5
	return i, span - bound + (bound<<1-span)&zero, code - bound&^zero, zero + 1
}

// flag is bit for a bit that branches mostly predict.
func flag(in *input, i int, span, code uint32, p *int16) (int, uint32, uint32, bool) {
	if span < 1<<24 {
		span, code, i = span<<8, code<<8|uint32(in[i]), i+1
	}
	bound := span >> 11 * uint32(*p)
	if code < bound {
		*p += (1<<11 - *p) >> 5
		return i, bound, code, false
	}
	*p -= *p >> 5
	return i, span - bound, code - bound, true
}

// symbols decodes into the window up to limit. It returns false if a match reaches too far
// back, or if the input is used up.
func (d *Decoder) symbols(limit int) bool {
	var (
		z, w       = &d.lzma, &d.window
		probs      = &z.probs
		in, i      = &d.in, z.pos
		span, code = z.span, z.code
		state      = z.state
		r0, r1     = z.distances[0], z.distances[1]
		r2, r3     = z.distances[2], z.distances[3]
		match      = z.match
		buf, pos   = w.buf, w.pos
		before     uint32 // the byte before
		b          uint32
		yes        bool
	)
	if pos > 0 {
		before = uint32(buf[pos-1])
	} else if w.full {
		before = uint32(buf[w.room-1])
	}
	for i <= z.end {
		if match > 0 {
			n := min(match, limit-pos)
			if !w.match(pos, n, r0) {
				return false
			}
			match -= n
			pos += n
			before = uint32(buf[pos-1])
		}
		if pos >= limit {
			break
		}

		position := uint32(pos) & z.positionMask
		i, span, code, yes = flag(in, i, span, code, &probs[isMatch+state<<4+position])
		if !yes {
			context := uint32(pos)&z.literalMask<<z.contextBits + before>>(8-z.contextBits)
			tree := (*[0x300]int16)(probs[literal+0x300*context:])
			symbol := uint32(1)
			if state >= 7 {
				// The byte that would have continued the match is a hint, up to
				// where it is wrong.
				from := pos - 1 - int(r0)
				if from < 0 {
					from += w.room
				}
				hint, offset := uint32(buf[from]), uint32(0x100)
				for symbol < 0x100 {
					hint <<= 1
					want := hint & offset
					i, span, code, b = bit(in, i, span, code, &tree[offset+want+symbol])
					symbol = symbol<<1 + b
					offset &= want ^ (b - 1)
				}
			} else {
				for symbol < 0x100 {
					i, span, code, b = bit(in, i, span, code, &tree[symbol])
					symbol = symbol<<1 + b
				}
			}
			before = symbol & 0xff
			buf[pos] = byte(symbol)
			pos++
			switch {
			case state < 4:
				state = 0
			case state < 10:
				state -= 3
			default:
				state -= 6
			}
			continue
		}

		lengths := uint32(matchLength)
		i, span, code, yes = flag(in, i, span, code, &probs[isRepeat+state])
		repeat := yes
		if repeat {
			lengths = repeatLength
			i, span, code, yes = flag(in, i, span, code, &probs[isRepeat0+state])
			if !yes {
				i, span, code, yes = flag(in, i, span, code, &probs[isRepeat0Long+state<<4+position])
				if !yes {
					match = 1
					state = next(state, 9)
					continue
				}
			} else {
				i, span, code, yes = flag(in, i, span, code, &probs[isRepeat1+state])
				if !yes {
					r0, r1 = r1, r0
				} else {
					i, span, code, yes = flag(in, i, span, code, &probs[isRepeat2+state])
					if !yes {
						r0, r1, r2 = r2, r0, r1
					} else {
						r0, r1, r2, r3 = r3, r0, r1, r2
					}
				}
			}
			state = next(state, 8)
		} else {
			state = next(state, 7)
		}

		var tree, size, least uint32
		i, span, code, yes = flag(in, i, span, code, &probs[lengths+choice1])
		if !yes {
			tree, size, least = lengths+low+position<<3, 1<<3, 2
		} else {
			i, span, code, yes = flag(in, i, span, code, &probs[lengths+choice2])
			if !yes {
				tree, size, least = lengths+mid+position<<3, 1<<3, 2+8
			} else {
				tree, size, least = lengths+high, 1<<8, 2+8+8
			}
		}
		symbol := uint32(1)
		for symbol < size {
			i, span, code, b = bit(in, i, span, code, &probs[tree+symbol])
			symbol = symbol<<1 + b
		}
		match = int(symbol - size + least)
		if repeat {
			continue
		}

		r1, r2, r3 = r0, r1, r2
		tree = slots + min(uint32(match)-2, 3)<<6
		symbol = 1
		for symbol < 1<<6 {
			i, span, code, b = bit(in, i, span, code, &probs[tree+symbol])
			symbol = symbol<<1 + b
		}
		slot := symbol - 1<<6
		if r0 = slot; slot < 4 {
			continue
		}
		// A slot tells the two highest bits of a distance and how many follow.
		bits := slot>>1 - 1
		r0 = 2 + slot&1
		if bits < 6 {
			r0 <<= bits
			tree = special + r0 - slot
		} else {
			for ; bits > 4; bits-- {
				if span < 1<<24 {
					span, code, i = span<<8, code<<8|uint32(in[i]), i+1
				}
				span >>= 1
				zero := uint32(int32(code-span) >> 31)
				code -= span &^ zero
				r0 = r0<<1 + zero + 1
			}
			r0 <<= 4
			tree = align
		}
		symbol = 1
		for n := range bits {
			i, span, code, b = bit(in, i, span, code, &probs[tree+symbol])
			symbol = symbol<<1 + b
			r0 += b << n
		}
	}
	if span < 1<<24 {
		span, code, i = span<<8, code<<8|uint32(in[i]), i+1
	}
	z.pos, z.span, z.code = i, span, code
	z.state, z.match = state, match
	z.distances = [4]uint32{r0, r1, r2, r3}
	w.pos = pos
	return i <= z.end
}

// next is the state after a match of a kind.
func next(state, kind uint32) uint32 {
	if state >= 7 {
		kind += 3 - (kind-7)>>1
	}
	return kind
}
