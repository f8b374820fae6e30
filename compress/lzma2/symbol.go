package lzma2

// symbol encodes a symbol. It checks itself whether a match is at one of the last distances,
// because a reset of the state may have changed these after the parser planned. A single byte
// at another distance becomes a literal.
func (e *Encoder) symbol(s symbol) {
	if !e.fits() {
		e.endChunk()
	}
	k := 1
	for k <= 4 && e.repeats[k-1] != s.distance {
		k++
	}
	m, c := &e.model, &e.coder
	position := uint32(e.done) & e.positionMask
	match, repeat := &m.match[e.state][position], &m.repeat[e.state]
	switch {
	case s.distance == 0 || s.length == 1 && k > 1:
		s.distance = 0
		c.bit(match, 0)
		e.literal()
	case k <= 4:
		c.bit(match, 1)
		c.bit(repeat, 1)
		e.repeat(k, s, position)
	default:
		c.bit(match, 1)
		c.bit(repeat, 0)
		e.match(s, position)
		k = 0
	}
	e.state = e.state.after(s, k > 0)
	if s.distance > 0 {
		use(&e.repeats, k, s.distance)
	}
	e.done += uint64(s.length)
	e.chunk += int(s.length)
	e.finder.At += int(s.length)
}

// literals returns the model for a literal i bytes on, by the byte before it.
func (e *Encoder) literals(i uint32, before byte) *literalModel {
	position := (uint32(e.done) + i) & e.literalMask
	return &e.model.literals[(position<<e.contextBits+uint32(before)>>(8-e.contextBits))%(1<<maxContext)]
}

func (e *Encoder) literal() {
	data, at := e.finder.Data, e.finder.At
	m := e.literals(0, data[at-1])
	value := uint32(data[at]) | 1<<8
	if e.state < matched {
		e.coder.tree(m[:], 8, value)
		return
	}
	want, tree := uint32(data[at-int(e.repeats[0])]), uint32(1<<8)
	for value < 1<<16 {
		want <<= 1
		e.coder.bit(&m[tree+want&tree+value>>8], value>>7&1)
		value <<= 1
		tree &^= want ^ value
	}
}

// repeat encodes a match at the last distance but k-1.
func (e *Encoder) repeat(k int, s symbol, position uint32) {
	m, c := &e.model, &e.coder
	if k == 1 {
		c.bit(&m.repeat0[e.state], 0)
		c.bit(&m.long[e.state][position], min(s.length-1, 1))
		if s.length == 1 {
			return
		}
	} else {
		c.bit(&m.repeat0[e.state], 1)
		c.bit(&m.repeat1[e.state], min(uint32(k-2), 1))
		if k > 2 {
			c.bit(&m.repeat2[e.state], uint32(k-3))
		}
	}
	e.length(&m.repeatLengths, s.length, position)
	e.prices.repeats.left--
}

func (e *Encoder) match(s symbol, position uint32) {
	m, c := &e.model, &e.coder
	e.length(&m.matchLengths, s.length, position)
	e.prices.matches.left--
	e.prices.distances.left--
	distance := s.distance - 1
	slot := slotOf(distance)
	c.tree(m.slots[lengthKind(int(s.length))][:], slotBits, slot)
	if slot < firstSpecial {
		return
	}
	n := bitsBehind(slot)
	if slot < firstAligned {
		c.reverse(m.special[slot][:], n, distance)
		return
	}
	c.direct(n-alignBits, distance>>alignBits)
	c.reverse(m.align[:], alignBits, distance)
	e.prices.distances.alignLeft--
}

func (e *Encoder) length(m *lengthModel, length, position uint32) {
	c := &e.coder
	n := length - minLength
	if n < lowLengths {
		c.bit(&m.notLow, 0)
		c.tree(m.low[position][:], lowBits, n)
		return
	}
	c.bit(&m.notLow, 1)
	if n -= lowLengths; n < midLengths {
		c.bit(&m.high, 0)
		c.tree(m.mid[position][:], midBits, n)
		return
	}
	c.bit(&m.high, 1)
	c.tree(m.rest[:], highBits, n-midLengths)
}
