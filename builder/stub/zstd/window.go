package zstd

// window holds what has been decoded of a frame, as far back as sequences may
// reach. It is filled from the front; when the next block might not fit, it is
// filled from the front again, while what lies behind pos is still history.
// As it has room for a block and a margin more than the window, a byte is not
// overwritten before it is out of reach.
type window struct {
	buf  []byte // with a margin at the end
	size int    // what the frame says
	pos  int    // where the next byte goes
	lap  int    // where the round before this one ended, or 0
}

func (w *window) reset(size, block int, content int64) {
	room := int(min(int64(size+block+margin), content)) + margin
	if cap(w.buf) < room {
		w.buf = make([]byte, room)
	}
	w.buf = w.buf[:room]
	w.size, w.pos, w.lap = size, 0, 0
}

// reserve makes room for n bytes in a row, at most a block.
func (w *window) reserve(n int) {
	if w.pos+n > len(w.buf)-margin {
		w.lap, w.pos = w.pos, 0
	}
}

// execute executes sequences up to limit at most and returns the literals that are
// left. lits has a margin. It is not ok if a sequence wants more literals than
// there are, more room or history: RFC 8878, 3.1.1.4.
func (w *window) execute(batch []sequence, lits []byte, limit int) ([]byte, bool) {
	buf, pos, lit := w.buf, w.pos, 0
	for i := range batch {
		s := &batch[i]
		n, match, offset := int(s.literals), int(s.match), int(s.offset)
		if n > len(lits)-margin-lit || n+match > limit-pos {
			return nil, false
		}
		copy16(buf, pos, lits, lit)
		if n > 16 {
			copy(buf[pos+16:pos+n], lits[lit+16:lit+n])
		}
		lit += n
		pos += n

		if offset <= 0 || offset > w.size {
			return nil, false
		}
		from := pos - offset
		if from < 0 { // before this round
			from += w.lap
			if from < 0 {
				return nil, false
			}
			if n := w.lap - from; n < match {
				copy(buf[pos:pos+n], buf[from:w.lap])
				pos += n
				match -= n
				from = 0
			}
		}
		end := pos + match
		switch {
		case offset >= 16:
			copy16(buf, pos, buf, from)
			copy16(buf, pos+16, buf, from+16)
			for pos += 32; pos < end; pos += 16 {
				from += 16
				copy16(buf, pos, buf, from+16)
			}
		case offset >= 8:
			for ; pos < end; pos += 8 {
				put(buf, pos, word(buf, from))
				from += 8
			}
		default:
			repeat(buf, pos, from, offset, match)
		}
		pos = end
	}
	w.pos = pos
	return lits[lit:], true
}

// copy16 copies 16 bytes; the compiler makes one load and one store of it.
func copy16(dst []byte, i int, src []byte, j int) {
	*(*[16]byte)(dst[i : i+16]) = *(*[16]byte)(src[j : j+16])
}

// repeat writes n bytes at buf[pos:], or a few more, that repeat the period bytes
// at buf[from:]; period is 1 to 7. Either the period ends at pos, or n is not more
// than period.
func repeat(buf []byte, pos, from, period, n int) {
	width := uint(8 * period)
	v := word(buf, from) & (1<<width - 1)
	v |= v << width
	v |= v << (2 * width)
	v |= v << (4 * width)
	put(buf, pos, v)
	// From here on, copy from a multiple of the period back that is 8 or more.
	back := period * ((7 + period) / period)
	for end := pos + n; pos+8 < end; {
		pos += 8
		put(buf, pos, word(buf, pos-back))
	}
}
