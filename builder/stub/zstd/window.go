package zstd

// window holds what has been decoded of a frame, as far back as sequences may
// reach. It is filled from the front; when the next block might not fit, it is
// filled from the front again, while what lies behind pos is still history.
// Because it has room for a block and margins more than the window, a byte is not
// overwritten before it is out of reach.
type window struct {
	buf  []byte // with a margin at the end
	size int    // what the frame says
	pos  int    // where the next byte goes
	lap  int    // where the lap before this one ended, or 0
}

func (w *window) reset(size, block int, content int64) {
	room := int(min(int64(size+block+margin), content)) + margin
	if cap(w.buf) < room {
		w.buf = make([]byte, room)
	}
	w.buf = w.buf[:room]
	w.size, w.pos, w.lap = size, 0, 0
}

// reserve makes room for n bytes in a row.
func (w *window) reserve(n int) {
	if w.pos+n > len(w.buf)-margin {
		w.lap, w.pos = w.pos, 0
	}
}

// execute executes sequences and returns the literals that are left. Like these
// it may write a margin more than it has to.
func (w *window) execute(batch []sequence, lits []byte, limit int) ([]byte, bool) {
	buf, pos := w.buf, w.pos
	for i := range batch {
		s := &batch[i]
		n, match, offset := int(s.literals), int(s.match), int(s.offset)
		if n > len(lits)-margin || n+match > limit-pos {
			return nil, false
		}
		*(*[16]byte)(buf[pos:]) = *(*[16]byte)(lits)
		if n > 16 {
			copy(buf[pos+16:pos+n], lits[16:n])
		}
		lits = lits[n:]
		pos += n

		if uint(offset-1) >= uint(min(pos, w.size)) {
			if !w.far(pos, match, offset) {
				return nil, false
			}
			pos += match
			continue
		}
		from := pos - offset
		end := pos + match
		switch {
		case offset >= 16:
			*(*[16]byte)(buf[pos:]) = *(*[16]byte)(buf[from:])
			for pos += 16; pos < end; pos += 16 {
				from += 16
				*(*[16]byte)(buf[pos:]) = *(*[16]byte)(buf[from:])
			}
		case offset >= 8:
			for ; pos < end; pos += 8 {
				*(*[8]byte)(buf[pos:]) = *(*[8]byte)(buf[from:])
				from += 8
			}
		default:
			repeat(buf, pos, offset, match)
		}
		pos = end
	}
	w.pos = pos
	return lits, true
}

// repeat writes n bytes at buf[pos:], or a few more, that repeat the period bytes
// before them; period is 1 to 7.
func repeat(buf []byte, pos, period, n int) {
	width := uint(8 * period)
	v := word(buf, pos-period) & (1<<width - 1)
	v |= v << width
	v |= v << (2 * width)
	v |= v << (4 * width)
	put(buf, pos, v)
	// From here on, copy from a multiple of the period back that is 8 or more.
	back := period * ((7 + period) / period)
	for end := pos + n; pos+8 < end; {
		pos += 8
		*(*[8]byte)(buf[pos:]) = *(*[8]byte)(buf[pos-back:])
	}
}

// far copies a match that begins in the lap before this one.
func (w *window) far(pos, n, offset int) bool {
	before := offset - pos
	if offset <= 0 || offset > w.size || before > w.lap {
		return false
	}
	from := w.lap - before
	m := copy(w.buf[pos:pos+n], w.buf[from:w.lap])
	pos += m
	for n -= m; n > 0; n -= m {
		m = copy(w.buf[pos:pos+n], w.buf[pos-offset:pos])
		pos += m
	}
	return true
}
