package lzma2

import "github.com/mkinitfs/mkinitfs/compress/lz"

// parse chooses the next symbols. At each position it computes the cost of each possible
// symbol, and offers this way to the node behind the symbol. A node's cheapest way is known
// when all nodes before have been looked at. Parsing ends where no symbol leads beyond the node
// at hand, at a match that is long enough not to look for better ones, or at the horizon.
func (e *Encoder) parse() []symbol {
	e.prices.update(&e.model, int(e.positionMask)+1)
	p := &e.path
	p.begin(e.state, e.repeats)
	for i := 0; ; i++ {
		if i > 0 {
			if i == p.reached || i == horizon {
				p.choose(i, symbol{})
				break
			}
			p.arrive(i)
		}
		if long := e.look(i, e.finder.Matches(e.finder.At+i)); long.length > 0 {
			p.choose(i, long)
			break
		}
	}
	return p.symbols
}

// spot is a node that is looked at, and its surroundings.
type spot struct {
	*node
	i        int    // of the node
	position uint32 // the bits of it that choose probabilities
	data     []byte // with what may be read behind its end
	at       int    // where the node is in data
	end      int    // where data ends
}

// look offers all symbols that can follow node i. It returns a long match instead of offering
// it.
func (e *Encoder) look(i int, matches []lz.Match) (long symbol) {
	f := &e.finder
	s := spot{
		node:     &e.path.nodes[i],
		i:        i,
		position: (uint32(e.done) + uint32(i)) & e.positionMask,
		data:     f.Data[:len(f.Data)+8],
		at:       f.At + i,
		end:      len(f.Data),
	}
	limit := min(s.end-s.at, maxLength)
	var repeated [4]int
	for k, distance := range s.repeats {
		from := s.at - int(distance)
		if s.data[s.at] != s.data[from] || s.data[s.at+1] != s.data[from+1] {
			continue // the usual case
		}
		n := lz.Length(s.data, s.at, from, 0, limit)
		if n >= e.nice {
			return symbol{uint32(n), distance}
		}
		repeated[k] = n
	}
	if n := len(matches); n > 0 && int(matches[n-1].Length) >= e.nice {
		m := matches[n-1]
		return symbol{uint32(lz.Length(s.data, s.at, s.at-int(m.Distance), e.nice, limit)), m.Distance}
	}
	e.path.reach(i + 1)
	e.offerByte(&s)
	if limit >= minLength {
		e.offerRepeats(&s, &repeated)
		e.offerMatches(&s, matches, max(repeated[0]+1, minLength))
	}
	return symbol{}
}

// offerByte offers the symbols of one byte: a literal, and the byte at the last distance.
func (e *Encoder) offerByte(s *spot) {
	c, m := &e.prices.bits, &e.model
	last := s.repeats[0]
	value, hint := s.data[s.at], s.data[s.at-int(last)]
	next := &e.path.nodes[s.i+1]
	literals := e.literals(uint32(s.i), s.data[s.at-1])
	price := s.price + c.zero(m.match[s.state][s.position])
	if s.state < matched {
		price += c.literal(literals, value)
	} else {
		price += c.hinted(literals, value, hint)
	}
	literal := price < next.price
	if literal {
		next.price, next.step = price, step{from: uint16(s.i)}
	}
	if value == hint {
		short := s.price + c.one(m.match[s.state][s.position]) + c.one(m.repeat[s.state]) +
			c.zero(m.repeat0[s.state]) + c.zero(m.long[s.state][s.position])
		e.path.offer(s.i+1, short, step{from: uint16(s.i), distance: last, repeat: 1})
	} else if !literal {
		// If the literal is the best way, this is offered at the next node.
		e.offerAgain(s, 1, price, s.state.literal(), step{from: uint16(s.i), literal: uint16(s.i + 1)}, last)
	}
}

// offerRepeats offers matches at the last four distances, of up to a length each.
func (e *Encoder) offerRepeats(s *spot, lengths *[4]int) {
	c, m := &e.prices.bits, &e.model
	base := s.price + c.one(m.match[s.state][s.position]) + c.one(m.repeat[s.state])
	prices := &e.prices.repeats.of[s.position]
	for k, longest := range lengths {
		if longest < minLength {
			continue
		}
		price := base
		switch k {
		case 0:
			price += c.zero(m.repeat0[s.state]) + c.one(m.long[s.state][s.position])
		case 1:
			price += c.one(m.repeat0[s.state]) + c.zero(m.repeat1[s.state])
		default:
			price += c.one(m.repeat0[s.state]) + c.one(m.repeat1[s.state]) + c.bit(m.repeat2[s.state], uint32(k)-2)
		}
		st := step{from: uint16(s.i), distance: s.repeats[k], repeat: uint8(k + 1)}
		e.path.reach(s.i + longest)
		for n := minLength; n <= longest; n++ {
			e.path.offer(s.i+n, price+prices[n], st)
		}
		e.offerBeyond(s, longest, price+prices[longest], s.state.repeat(), st)
	}
}

// offerMatches offers matches of all lengths from one on, each at the nearest distance.
func (e *Encoder) offerMatches(s *spot, matches []lz.Match, n int) {
	if len(matches) == 0 {
		return
	}
	e.path.reach(s.i + int(matches[len(matches)-1].Length))
	c, m := &e.prices.bits, &e.model
	base := s.price + c.one(m.match[s.state][s.position]) + c.zero(m.repeat[s.state])
	prices := &e.prices.matches.of[s.position]
	for _, match := range matches {
		st := step{from: uint16(s.i), distance: match.Distance}
		longest := int(match.Length)
		for ; n <= longest; n++ {
			price := base + prices[n] + e.prices.distances.of(lengthKind(n), match.Distance-1)
			e.path.offer(s.i+n, price, st)
			if n == longest {
				e.offerBeyond(s, n, price, s.state.match(), st)
			}
		}
	}
}

// offerBeyond offers to go on behind a match of n bytes, which ends where its distance
// brings a wrong byte: a literal, and the same distance again.
func (e *Encoder) offerBeyond(s *spot, n int, price uint32, after state, st step) {
	at := s.at + n
	from := at - int(st.distance)
	if at+2 >= s.end || s.data[at+1] != s.data[from+1] || s.data[at+2] != s.data[from+2] {
		return
	}
	position := (s.position + uint32(n)) & e.positionMask
	price += e.prices.bits.zero(e.model.match[after][position])
	price += e.prices.bits.hinted(e.literals(uint32(s.i+n), s.data[at-1]), s.data[at], s.data[from])
	st.literal = uint16(s.i + n + 1)
	e.offerAgain(s, n+1, price, after.literal(), st, st.distance)
}

// offerAgain offers a match at the last distance, n bytes on and behind a literal, which
// ends a step.
func (e *Encoder) offerAgain(s *spot, n int, price uint32, after state, st step, distance uint32) {
	at := s.at + n
	more := lz.Length(s.data, at, at-int(distance), 0, min(s.end-at, e.nice))
	if more < minLength {
		return
	}
	position := (s.position + uint32(n)) & e.positionMask
	c, m := &e.prices.bits, &e.model
	price += c.one(m.match[after][position]) + c.one(m.repeat[after]) + c.zero(m.repeat0[after]) + c.one(m.long[after][position])
	price += e.prices.repeats.of[position][more]
	e.path.reach(s.i + n + more)
	e.path.offer(s.i+n+more, price, st)
}
