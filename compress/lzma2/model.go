package lzma2

import "math/bits"

// The format's numbers (LZMA specification, https://www.7-zip.org/sdk.html; the decoder of
// package xz has them, too).
const (
	states    = 12
	positions = 1 << 4 // values of the lowest pb bits of a position, at most

	minLength   = 2
	maxLength   = minLength + lowLengths + midLengths + highLengths - 1
	lowBits     = 3
	midBits     = 3
	highBits    = 8
	lowLengths  = 1 << lowBits
	midLengths  = 1 << midBits
	highLengths = 1 << highBits

	lengthKinds  = 4 // lengths of 2, 3, 4 and more have distances of their own
	slotBits     = 6
	slots        = 1 << slotBits
	firstSpecial = 4   // the first slot with bits behind it
	firstAligned = 14  // the first with bits that have no probabilities
	nearest      = 128 // distances less 1 of the slots before that
	alignBits    = 4
)

// model holds the probabilities of all coded bits.
type model struct {
	match   [states][positions]prob // 1: a match, 0: a literal
	repeat  [states]prob            // 1: at one of the last four distances
	repeat0 [states]prob            // 0: at the last one
	repeat1 [states]prob            // 0: at the last but one
	repeat2 [states]prob            // 0: at the last but two
	long    [states][positions]prob // 0: at the last one, for one byte

	matchLengths  lengthModel
	repeatLengths lengthModel
	slots         [lengthKinds][slots]prob
	special       [firstAligned][32]prob // bits behind a slot, the lowest first
	align         [1 << alignBits]prob   // the lowest four bits behind other slots, the lowest first

	literals [1 << maxContext]literalModel // by lp bits of the position and lc bits of the byte before
}

// maxContext bounds the sum of lc and lp in LZMA2.
const maxContext = 4

// literalModel is a tree for a literal behind a literal, and two for one behind a match. Behind
// a match, the byte that would have continued it is a hint. As long as all bits so far agree
// with the hint, its next bit chooses between the two trees.
type literalModel [3 << 8]prob

// lengthModel has three trees for lengths: the next 8, the 8 behind, and the others.
type lengthModel struct {
	notLow, high prob
	low          [positions][lowLengths]prob
	mid          [positions][midLengths]prob
	rest         [highLengths]prob
}

func (m *model) reset() {
	for s := range states {
		fill(m.match[s][:])
		fill(m.long[s][:])
	}
	for _, probs := range [][]prob{m.repeat[:], m.repeat0[:], m.repeat1[:], m.repeat2[:], m.align[:]} {
		fill(probs)
	}
	for i := range m.slots {
		fill(m.slots[i][:])
	}
	for i := range m.special {
		fill(m.special[i][:])
	}
	for i := range m.literals {
		fill(m.literals[i][:])
	}
	m.matchLengths.reset()
	m.repeatLengths.reset()
}

func (m *lengthModel) reset() {
	m.notLow, m.high = even, even
	for i := range positions {
		fill(m.low[i][:])
		fill(m.mid[i][:])
	}
	fill(m.rest[:])
}

func fill(probs []prob) {
	for i := range probs {
		probs[i] = even
	}
}

// state encodes the kinds of the last symbols. Below 7, the last symbol is a literal.
type state uint8

// matched is the first of the states behind a match of any kind.
const matched state = 7

func (s state) literal() state {
	switch {
	case s < 4:
		return 0
	case s < 10:
		return s - 3
	}
	return s - 6
}

func (s state) match() state  { return s.other(7) }
func (s state) repeat() state { return s.other(8) }
func (s state) byte() state   { return s.other(9) } // at the last distance

func (s state) other(kind state) state {
	if s < matched {
		return kind
	}
	return kind + 3 - (kind-7)>>1
}

// after returns the state behind a symbol. A match may be at one of the last distances.
func (s state) after(y symbol, repeat bool) state {
	switch {
	case y.distance == 0:
		return s.literal()
	case !repeat:
		return s.match()
	case y.length == 1:
		return s.byte()
	}
	return s.repeat()
}

// slotOf returns the slot of a distance less 1: it tells the two highest bits, and how
// many follow.
func slotOf(d uint32) uint32 {
	if d < firstSpecial {
		return d
	}
	n := bits.Len32(d) - 2
	return uint32(2*n) + d>>n
}

// bitsBehind returns how many bits follow a slot from firstSpecial on.
func bitsBehind(slot uint32) int { return int(slot>>1) - 1 }

func lengthKind(n int) int { return min(n-minLength, lengthKinds-1) }
