package lzma2

import mathbits "math/bits"

// Prices are in 1/16 bit. They are computed with integers, because floating point differs
// between machines, and the choice of symbols would differ with it.
const (
	priceBits = 4
	infinite  = 1 << 30
)

// How many symbols are coded until a price is computed again.
const (
	lengthAge   = 64
	distanceAge = 128
	alignAge    = 16
)

// prices holds tables of what symbols cost by the model's probabilities. The tables are
// recomputed only now and then, because most probabilities change little with each symbol.
type prices struct {
	bits      bitPrices
	matches   lengthPrices
	repeats   lengthPrices
	distances distancePrices
}

// reset makes all tables be computed anew.
func (p *prices) reset() {
	p.bits.fill()
	p.matches.left, p.repeats.left, p.distances.left, p.distances.alignLeft = 0, 0, 0, 0
}

func (p *prices) update(m *model, positions int) {
	if p.matches.left <= 0 {
		p.matches.update(&p.bits, &m.matchLengths, positions)
	}
	if p.repeats.left <= 0 {
		p.repeats.update(&p.bits, &m.repeatLengths, positions)
	}
	if p.distances.left <= 0 {
		p.distances.update(&p.bits, m)
	}
	if p.distances.alignLeft <= 0 {
		p.distances.updateAlign(&p.bits, m)
	}
}

// bitPrices has the price of a bit by the highest bits of its probability.
type bitPrices [1 << (probBits - priceBits)]uint8

func (b *bitPrices) fill() {
	const half = 1 << (priceBits - 1)
	for i := range b {
		b[i] = uint8(probBits<<priceBits - log2(uint64(i<<priceBits|half)))
	}
}

// log2 returns the binary logarithm of v in units of a price, rounded down. Each digit
// behind the point is found by squaring what is left of v, between 1 and 2: whether the
// result is 2 or more.
func log2(v uint64) int {
	const one = 1 << 31
	whole := mathbits.Len64(v) - 1
	v = v << 31 >> whole
	for range priceBits {
		v = v * v >> 31
		whole <<= 1
		if v >= 2*one {
			v >>= 1
			whole |= 1
		}
	}
	return whole
}

// bit returns the price of a bit whose probability to be 0 is p.
func (b *bitPrices) bit(p prob, bit uint32) uint32 {
	return uint32(b[(p^-prob(bit))>>priceBits&(1<<(probBits-priceBits)-1)])
}

func (b *bitPrices) zero(p prob) uint32 { return b.bit(p, 0) }
func (b *bitPrices) one(p prob) uint32  { return b.bit(p, 1) }

// tree sets prices to those of all values in a tree of n bits, and base more.
func (b *bitPrices) tree(prices []uint32, probs []prob, n int, base uint32) {
	prices[0] = base
	for level := range n {
		// What a node costs becomes what its children cost, from the last node on.
		for i := 1<<level - 1; i >= 0; i-- {
			p, price := probs[1<<level+i], prices[i]
			prices[2*i], prices[2*i+1] = price+b.zero(p), price+b.one(p)
		}
	}
}

// reverse returns the price of n bits of v in a tree with the lowest bit first.
func (b *bitPrices) reverse(probs []prob, n int, v uint32) uint32 {
	var sum uint32
	node := uint32(1)
	for range n {
		bit := v & 1
		sum += b.bit(probs[node], bit)
		node = node<<1 | bit
		v >>= 1
	}
	return sum
}

// literal returns the price of a byte without a hint, from its last bit on.
func (b *bitPrices) literal(m *literalModel, value byte) uint32 {
	var sum uint32
	for node := uint32(value) | 1<<8; node > 1; node >>= 1 {
		sum += b.bit(m[node>>1&0xff], node&1)
	}
	return sum
}

// hinted returns the price of a byte where hint would have continued the match before.
func (b *bitPrices) hinted(m *literalModel, value, hint byte) uint32 {
	var sum uint32
	node, want, tree := uint32(value)|1<<8, uint32(hint), uint32(1<<8)
	for node < 1<<16 {
		want <<= 1
		sum += b.bit(m[tree+want&tree+node>>8], node>>7&1)
		node <<= 1
		tree &^= want ^ node
	}
	return sum
}

// lengthPrices are those of one model, by position and length.
type lengthPrices struct {
	of   [positions][maxLength + 1]uint32
	left int // symbols until they are computed again
}

func (l *lengthPrices) update(b *bitPrices, m *lengthModel, positions int) {
	const mid = minLength + lowLengths
	const high = mid + midLengths
	for i := range positions {
		of := &l.of[i]
		b.tree(of[minLength:], m.low[i][:], lowBits, b.zero(m.notLow))
		b.tree(of[mid:], m.mid[i][:], midBits, b.one(m.notLow)+b.zero(m.high))
		if i == 0 {
			b.tree(of[high:], m.rest[:], highBits, b.one(m.notLow)+b.one(m.high))
		} else {
			copy(of[high:], l.of[0][high:])
		}
	}
	l.left = lengthAge
}

// distancePrices are those of distances less 1, by the kind of the length.
type distancePrices struct {
	near      [lengthKinds][nearest]uint32 // whole
	slots     [lengthKinds][slots]uint32   // of the others without the aligned bits
	align     [1 << alignBits]uint32
	left      int // symbols until near and slots are computed again
	alignLeft int // and align
}

func (d *distancePrices) of(kind int, distance uint32) uint32 {
	if distance < nearest {
		return d.near[kind&(lengthKinds-1)][distance]
	}
	return d.slots[kind&(lengthKinds-1)][slotOf(distance)%slots] + d.align[distance%(1<<alignBits)]
}

func (d *distancePrices) update(b *bitPrices, m *model) {
	var special [nearest]uint32 // what the bits behind the slot cost
	for i := uint32(firstSpecial); i < nearest; i++ {
		slot := slotOf(i)
		special[i] = b.reverse(m.special[slot][:], bitsBehind(slot), i)
	}
	for kind := range d.slots {
		of := &d.slots[kind]
		b.tree(of[:], m.slots[kind][:], slotBits, 0)
		for i := range d.near[kind] {
			d.near[kind][i] = of[slotOf(uint32(i))] + special[i]
		}
		for slot := firstAligned; slot < slots; slot++ {
			of[slot] += uint32(bitsBehind(uint32(slot))-alignBits) << priceBits
		}
	}
	d.left = distanceAge
}

func (d *distancePrices) updateAlign(b *bitPrices, m *model) {
	for i := range d.align {
		d.align[i] = b.reverse(m.align[:], alignBits, uint32(i))
	}
	d.alignLeft = alignAge
}
