package zstd

import "github.com/mkinitfs/mkinitfs/compress/words"

// window holds the decoded data of a frame, as far back as sequences may reach. It is filled
// from the front. When the next block might not fit, filling starts at the front again, and
// the data behind pos is still history. The window has room for a block and a margin more, so
// that a byte is out of reach before it is overwritten.
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
	for {
		n, taken := w.simple(batch, lits, limit)
		batch, lits = batch[n:], lits[taken:]
		if len(batch) == 0 {
			return lits, true
		}
		n, match, offset := int(batch[0].literals), int(batch[0].match), int(batch[0].offset)
		if n > len(lits)-margin || n+match > limit-w.pos || offset == 0 || offset > w.size {
			return nil, false
		}
		w.pos += copy(w.buf[w.pos:], lits[:n])
		switch from := w.pos - offset; {
		case from >= 0:
			repeat(w.buf, w.pos, from, offset, match)
		case from+w.lap >= 0: // before this round
			w.wrapped(from+w.lap, match)
		default:
			return nil, false
		}
		w.pos += match
		batch, lits = batch[1:], lits[n:]
	}
}

// simple executes sequences until one is wrong, or copies from less than 8 bytes back or from
// the previous round. It returns how many sequences it has executed, and how many literals
// they took. This is the hot loop: it calls nothing, because its variables would leave the
// registers.
func (w *window) simple(batch []sequence, lits []byte, limit int) (n, lit int) {
	buf, pos := w.buf, w.pos
	for n < len(batch) {
		s := &batch[n]
		literals, match, offset := int(s.literals), int(s.match), int(s.offset)
		from := pos + literals - offset
		if literals > len(lits)-margin-lit || literals+match > limit-pos || offset < 8 || offset > w.size || from < 0 {
			break
		}
		words.Copy(buf, pos, lits, lit)
		for i := 16; i < literals; i += 16 {
			words.Copy(buf, pos+i, lits, lit+i)
		}
		lit += literals
		pos += literals
		if offset >= 16 {
			words.Copy(buf, pos, buf, from)
			for i := 16; i < match; i += 16 {
				words.Copy(buf, pos+i, buf, from+i)
			}
		} else {
			for i := 0; i < match; i += 8 {
				words.Store(buf, pos+i, words.Load(buf, from+i))
			}
		}
		pos += match
		n++
	}
	w.pos = pos
	return n, lit
}

// wrapped copies n bytes of history that begin at from, in the round before this
// one, and may go on in this one.
func (w *window) wrapped(from, n int) {
	dst := w.buf[w.pos:][:n]
	k := copy(dst, w.buf[from:w.lap])
	for i := range dst[k:] { // may be what this very loop writes
		dst[k+i] = w.buf[i]
	}
}

// repeat writes n bytes at buf[pos:], or a few more, that repeat the period bytes
// at buf[from:]; period is 1 to 7. Either the period ends at pos, or n is not more
// than period.
func repeat(buf []byte, pos, from, period, n int) {
	width := uint(8 * period)
	v := words.Load(buf, from) & (1<<width - 1)
	v |= v << width
	v |= v << (2 * width)
	v |= v << (4 * width)
	words.Store(buf, pos, v)
	// From here on, copy from a multiple of the period back that is 8 or more.
	back := period * ((7 + period) / period)
	for end := pos + n; pos+8 < end; {
		pos += 8
		words.Store(buf, pos, words.Load(buf, pos-back))
	}
}
