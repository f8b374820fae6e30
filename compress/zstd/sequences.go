package zstd

// sequence: copy so many literals, then match bytes from offset bytes back.
type sequence struct {
	literals, match int32
	offset          uint32
}

// batchSize sequences are decoded, then executed. Two small loops keep their
// variables in registers, where one large loop would not.
const batchSize = 64

// table is the FSE table of one of the three codes of a sequence.
type table struct {
	mode  uint8 // where it comes from; modeNone: there is no table
	log   uint8
	entry [1 << maxLog]entry
}

const maxLog = 9

// Indices of the codes, in the order of their tables in a block.
const (
	literalLength = iota
	offset
	matchLength
)

// Where a table comes from: RFC 8878, 3.1.1.3.2.1.1.
const (
	modePredefined = iota
	modeRLE
	modeCompressed
	modeRepeat
	modeNone
)

// The alphabets: RFC 8878, 3.1.1.3.2.1.1. The last symbol for an offset is left out: it
// reaches far beyond MaxWindow, and is more than an int can hold on 32-bit machines.
var alphabets = [3]alphabet{
	literalLength: {0, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
		"\x01\x01\x01\x01\x02\x02\x03\x03\x04\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10", 9},
	offset: {1, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f" +
		"\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e", 8},
	matchLength: {3, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
		"\x01\x01\x01\x01\x02\x02\x03\x03\x04\x04\x05\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10", 9},
}

// The predefined tables: RFC 8878, 3.1.1.3.2.2.
var predefined = [3]probabilities{
	literalLength: {6, [maxSymbols]int16{4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1,
		2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1}, 36},
	offset: {5, [maxSymbols]int16{1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1}, 29},
	matchLength: {6, [maxSymbols]int16{1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1}, 53},
}

// read reads a table, if there is one, from b[i:end] and returns where it ends.
func (t *table) read(code int, mode uint8, b []byte, i, end int) (int, bool) {
	a := &alphabets[code]
	before := t.mode
	switch mode {
	case modeRepeat:
		return i, before != modeNone
	case modePredefined:
		if before != modePredefined {
			p := &predefined[code]
			t.log = uint8(p.log)
			p.build(t.entry[:1<<p.log], a)
		}
	case modeRLE:
		if i == end || int(b[i]) >= len(a.extra) {
			return 0, false
		}
		t.log = 0
		value := a.first
		for _, extra := range []byte(a.extra[:b[i]]) {
			value += 1 << extra
		}
		t.entry[0] = newEntry(value, 0, a.extra[b[i]], 0)
		i++
	case modeCompressed:
		var p probabilities
		var ok bool
		if i, ok = p.read(b, i, end, a); !ok {
			return 0, false
		}
		t.log = uint8(p.log)
		p.build(t.entry[:1<<p.log], a)
	}
	t.mode = mode
	return i, true
}

// sequences decodes the sequences section of a block, in b[i:end], and executes
// it into the window, up to limit at most. It returns the literals that are left:
// RFC 8878, 3.1.1.3.2.
func (d *Decoder) sequences(b []byte, i, end int, lits []byte, limit int) ([]byte, error) {
	const corrupt = "corrupt sequences"
	head := i
	if i == end {
		return nil, d.fault(head, corrupt)
	}
	count := int(b[i])
	switch i++; {
	case count == 255:
		count = int(little(b[i:][:2])) + 0x7f00
		i += 2
	case count >= 128:
		count = (count-128)<<8 + int(b[i])
		i++
	}
	if count == 0 && i == end {
		return lits, nil
	}
	if count == 0 || i >= end || b[i]&3 != 0 {
		return nil, d.fault(head, corrupt)
	}
	modes := b[i]
	i++
	for code := range d.codes {
		var ok bool
		if i, ok = d.codes[code].read(code, modes>>(6-2*code)&3, b, i, end); !ok {
			return nil, d.fault(head, "corrupt table of sequences")
		}
	}
	at, done, ok := stream(b, i, end)
	if !ok {
		return nil, d.fault(i, corrupt)
	}
	s := decoding{b: b, at: at + fresh, done: done + fresh, recent: d.recent}
	for code := range d.codes {
		t := &d.codes[code]
		s.states[code] = t.entry[s.take(int(t.log))]
	}
	for count > 0 {
		batch := d.batch[:min(count, batchSize)]
		count -= len(batch)
		if !d.decode(&s, batch) {
			return nil, d.fault(i, corrupt)
		}
		if lits, ok = d.window.execute(batch, lits, limit); !ok {
			return nil, d.fault(i, "sequence out of range")
		}
	}
	if s.at+s.beyond != s.done {
		return nil, d.fault(i, corrupt)
	}
	d.recent = s.recent
	return lits, nil
}

// decoding is where the decoding of a block's sequences stands.
type decoding struct {
	b      []byte
	at     int // bits of b below this one are still to be read
	done   int // where that has to end
	beyond int // how many bits the last sequence took for states: for the very last of a block they lie beyond its stream
	states [3]entry
	recent [3]uint32
}

// take reads n bits, at most 32.
func (s *decoding) take(n int) uint32 {
	s.at -= n
	return uint32(above(s.b, s.at)) & lowest[n]
}

// decode decodes the next sequences.
func (d *Decoder) decode(s *decoding, batch []sequence) bool {
	var (
		ll, of, ml = &d.codes[literalLength].entry, &d.codes[offset].entry, &d.codes[matchLength].entry
		le, oe, me = s.states[literalLength], s.states[offset], s.states[matchLength]
		b, at      = s.b, s.at
	)
	for i := range batch {
		if at < s.done {
			return false
		}
		sum := le + oe + me
		states := int(sum.bits())
		n := states + int(sum.extra())
		at -= n
		// What was written first is read last, so the lowest bits are those for the
		// states. Those for literals, match and offset are above them.
		v := above(b, at)
		w := v >> (states & 63)
		if n > fresh {
			w = above(b, at+states)
		}
		lits := le.value() + uint32(w)&lowest[le.extra()]
		w >>= le.extra() & 63
		match := me.value() + uint32(w)&lowest[me.extra()]
		w >>= me.extra() & 63
		if n > fresh {
			w = above(b, at+n-int(oe.extra()))
		}
		dist := oe.value() + uint32(w)&lowest[oe.extra()]

		// RFC 8878, 3.1.1.5: the numbers up to 3 are the recent offsets, in another
		// order if there are no literals.
		r := &s.recent
		if oe.extra() > 1 {
			dist -= 3
			r[0], r[1], r[2] = dist, r[0], r[1]
		} else {
			if lits == 0 {
				dist++
			}
			switch dist {
			case 1:
				dist = r[0]
			case 2:
				dist = r[1]
				r[0], r[1] = dist, r[0]
			case 3:
				dist = r[2]
				r[0], r[1], r[2] = dist, r[0], r[1]
			case 4:
				dist = r[0] - 1
				r[0], r[1], r[2] = dist, r[0], r[1]
			}
		}
		batch[i] = sequence{int32(lits), int32(match), dist}

		s.beyond = states
		o := oe.next() + uint16(v)&uint16(lowest[oe.bits()])
		v >>= oe.bits() & 63
		m := me.next() + uint16(v)&uint16(lowest[me.bits()])
		v >>= me.bits() & 63
		l := le.next() + uint16(v)&uint16(lowest[le.bits()])
		le, oe, me = ll[l], of[o], ml[m]
	}
	s.at = at
	s.states = [3]entry{literalLength: le, offset: oe, matchLength: me}
	return true
}
