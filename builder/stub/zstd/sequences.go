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

// The alphabets: RFC 8878, 3.1.1.3.2.1.1.
var alphabets = [3]alphabet{
	literalLength: {0, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
		"\x01\x01\x01\x01\x02\x02\x03\x03\x04\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10", 9},
	offset: {1, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f" +
		"\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f", 8},
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
		t.entry[0] = entry{value: a.first, extra: a.extra[b[i]]}
		for _, extra := range []byte(a.extra[:b[i]]) {
			t.entry[0].value += 1 << extra
		}
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
	s := decoding{b: b, at: at, done: done, recent: d.recent}
	for code := range d.codes {
		log := d.codes[code].log
		s.states[code] = uint16(top(below(b, s.at), log))
		s.at -= int(log)
	}
	for count > 0 {
		batch := d.batch[:min(count, batchSize)]
		count -= len(batch)
		if !d.decode(&s, batch, count == 0) {
			return nil, d.fault(i, corrupt)
		}
		if lits, ok = d.window.execute(batch, lits, limit); !ok {
			return nil, d.fault(i, "sequence out of range")
		}
	}
	if s.at != s.done {
		return nil, d.fault(i, corrupt)
	}
	d.recent = s.recent
	return lits, nil
}

// decoding is where the decoding of a block's sequences stands.
type decoding struct {
	b      []byte
	at     int // in the bit stream
	done   int // where it has to end
	states [3]uint16
	recent [3]uint32
}

// decode decodes the next sequences. The states do not change any more after the
// very last.
func (d *Decoder) decode(s *decoding, batch []sequence, last bool) bool {
	var (
		ll, of, ml = &d.codes[literalLength].entry, &d.codes[offset].entry, &d.codes[matchLength].entry
		l, o, m    = s.states[literalLength], s.states[offset], s.states[matchLength]
		r1, r2, r3 = s.recent[0], s.recent[1], s.recent[2]
		b, at      = s.b, s.at
	)
	for i := range batch {
		if at < s.done {
			return false
		}
		le, oe, me := &ll[l&(1<<maxLog-1)], &of[o&(1<<maxLog-1)], &ml[m&(1<<maxLog-1)]
		extra := int(le.extra) + int(oe.extra) + int(me.extra)
		states := int(le.bits) + int(oe.bits) + int(me.bits)
		v := below(b, at)
		dist := oe.value + uint32(top(v, oe.extra))
		v <<= oe.extra & 63
		if extra+states > fresh {
			v = below(b, at-int(oe.extra))
		}
		match := me.value + uint32(top(v, me.extra))
		v <<= me.extra & 63
		lits := le.value + uint32(top(v, le.extra))
		v <<= le.extra & 63
		at -= extra
		if extra+states > fresh {
			v = below(b, at)
		}

		// RFC 8878, 3.1.1.5: the numbers up to 3 are the recent offsets, in another
		// order if there are no literals.
		if oe.extra > 1 {
			dist -= 3
			r1, r2, r3 = dist, r1, r2
		} else {
			if lits == 0 {
				dist++
			}
			switch dist {
			case 1:
				dist = r1
			case 2:
				dist = r2
				r1, r2 = r2, r1
			case 3:
				dist = r3
				r1, r2, r3 = r3, r1, r2
			case 4:
				dist = r1 - 1
				r1, r2, r3 = dist, r1, r2
			}
		}
		batch[i] = sequence{int32(lits), int32(match), dist}

		if last && i == len(batch)-1 {
			break
		}
		l = le.next + uint16(top(v, le.bits))
		v <<= le.bits & 63
		m = me.next + uint16(top(v, me.bits))
		v <<= me.bits & 63
		o = oe.next + uint16(top(v, oe.bits))
		at -= states
	}
	s.states = [3]uint16{literalLength: l, offset: o, matchLength: m}
	s.recent = [3]uint32{r1, r2, r3}
	s.at = at
	return true
}
