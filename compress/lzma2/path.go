package lzma2

import "slices"

// horizon is the largest number of bytes that the parser plans ahead.
const horizon = 1 << 12

// node is a position ahead and the cheapest way there that is known.
type node struct {
	price uint32
	step  // the last of the way
	// The coder's state at the node. It is known once the parser looks at the node.
	state   state
	repeats [4]uint32
}

// step is one symbol, or two or three: a symbol or none, a literal, and the distance of
// that symbol, or else the last one, again.
type step struct {
	from     uint16 // the node that it begins at
	literal  uint16 // the node after the literal in the middle; 0 if the step is one symbol
	distance uint32 // of the symbol, 0 for a literal
	repeat   uint8  // 1 to 4 if the distance is one of the last four
}

// path is the nodes from the next byte on.
type path struct {
	nodes   [horizon + 2*maxLength + 2]node
	reached int      // the last node that there is a way to
	symbols []symbol // of the way that was chosen
}

// symbol is a literal, of distance 0, or a match.
type symbol struct{ length, distance uint32 }

func (p *path) begin(s state, repeats [4]uint32) {
	p.reached = 0
	p.nodes[0] = node{state: s, repeats: repeats}
}

// reach makes nodes up to i ready to be offered a way.
func (p *path) reach(i int) {
	for p.reached < i {
		p.reached++
		p.nodes[p.reached].price = infinite
	}
}

// offer takes a step to node i if the price of the whole way is the lowest so far.
func (p *path) offer(i int, price uint32, s step) {
	if n := &p.nodes[i]; price < n.price {
		n.price, n.step = price, s
	}
}

// arrive computes the coder's state at node i, once all ways to it are known.
func (p *path) arrive(i int) {
	n := &p.nodes[i]
	from := &p.nodes[n.from]
	n.state, n.repeats = from.state, from.repeats
	length := i - int(n.from)
	if n.literal > 0 {
		length = int(n.literal-n.from) - 1
	}
	if length > 0 {
		n.state = from.state.after(symbol{uint32(length), n.distance}, n.repeat > 0)
		if n.distance > 0 {
			use(&n.repeats, int(n.repeat), n.distance)
		}
	}
	if n.literal > 0 {
		n.state = n.state.literal().repeat()
	}
}

// use makes a distance the last one. It is number k of the last ones, from 1 on, or 0 for
// a new one.
func use(repeats *[4]uint32, k int, distance uint32) {
	r := *repeats
	switch k {
	case 0, 4:
		repeats[3] = r[2]
		fallthrough
	case 3:
		repeats[2] = r[1]
		fallthrough
	case 2:
		repeats[1] = r[0]
	}
	repeats[0] = distance
}

// choose makes symbols of the way to node i and a last symbol, if that has a length.
func (p *path) choose(i int, last symbol) {
	p.symbols = p.symbols[:0]
	if last.length > 0 {
		p.symbols = append(p.symbols, last)
	}
	for i > 0 {
		n := &p.nodes[i]
		from := int(n.from)
		if n.literal > 0 {
			behind := int(n.literal)
			distance := n.distance
			if behind-1 == from {
				distance = p.nodes[from].repeats[0]
			}
			p.symbols = append(p.symbols, symbol{uint32(i - behind), distance}, symbol{length: 1})
			i = behind - 1
		}
		if i > from {
			p.symbols = append(p.symbols, symbol{uint32(i - from), n.distance})
		}
		i = from
	}
	slices.Reverse(p.symbols)
}
