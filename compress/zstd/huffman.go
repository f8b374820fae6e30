package zstd

import "math/bits"

// Huffman codes of literals: RFC 8878, 4.2.

const (
	maxBits    = 11  // of a code
	maxWeights = 255 // that are written; the last symbol's follows from the others
	perRound   = fresh / maxBits
)

// huffman is a code: for every maxBits bits that may come next, the symbol in the
// high byte and the length of its code in the low one.
type huffman struct {
	known  bool
	code   [1 << maxBits]uint16
	states [1 << 6]entry // of the code of the weights
}

// weights is the alphabet of a Huffman code's description: numbers as they are.
var weights = alphabet{0, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 6}

// read reads the description of a code from b[i:end] and returns where it ends:
// RFC 8878, 4.2.1.
func (h *huffman) read(b []byte, i, end int) (int, bool) {
	h.known = false
	if i >= end {
		return 0, false
	}
	var w [maxWeights + 1]uint8
	head := int(b[i])
	i++
	n, next := head-127, i+head
	if head >= 128 {
		next = i + (n+1)/2
	}
	switch {
	case next > end:
		return 0, false
	case head >= 128:
		for j := range n {
			w[j] = b[i+j/2] >> (4 - 4*(j&1)) & 15
		}
	default:
		var ok bool
		if n, ok = h.readWeights(&w, b, i, next); !ok {
			return 0, false
		}
	}
	return next, h.build(&w, n)
}

// readWeights reads weights that are FSE coded with two states in turn, until the
// stream has been used up: RFC 8878, 4.2.1.2.
func (h *huffman) readWeights(w *[maxWeights + 1]uint8, b []byte, i, end int) (int, bool) {
	var p probabilities
	i, ok := p.read(b, i, end, &weights)
	if !ok {
		return 0, false
	}
	t := h.states[:1<<p.log]
	p.build(t, &weights)
	at, done, ok := stream(b, i, end)
	if !ok {
		return 0, false
	}
	var states [2]int
	for j := range states {
		states[j] = int(top(below(b, at), uint8(p.log)))
		at -= p.log
	}
	if at < done {
		return 0, false
	}
	for j := 0; j < maxWeights; j++ {
		e := t[states[j&1]]
		w[j] = uint8(e.value())
		if at < done+int(e.bits()) { // that was this state's last, and the other has one more
			if j+1 == maxWeights {
				return 0, false
			}
			w[j+1] = uint8(t[states[^j&1]].value())
			return j + 2, true
		}
		states[j&1] = int(e.next()) + int(top(below(b, at), e.bits()))
		at -= int(e.bits())
	}
	return 0, false
}

// build makes the code of n weights: RFC 8878, 4.2.1.3. A symbol of weight w has
// 1<<(w-1) parts of the code; the last symbol has what is missing to a power of
// two.
func (h *huffman) build(w *[maxWeights + 1]uint8, n int) bool {
	var count [maxBits + 2]int
	sum := 0
	for _, x := range w[:n] {
		if x > maxBits {
			return false
		}
		count[x]++
		sum += 1 << x >> 1
	}
	size := bits.Len(uint(sum))
	last := 1<<size - sum
	if sum == 0 || size > maxBits || last&(last-1) != 0 {
		return false
	}
	w[n] = uint8(bits.Len(uint(last)))
	count[w[n]]++
	if count[1] < 2 {
		return false // the code is longer than it needs to be
	}
	var at [maxBits + 2]int // where the next symbol of a weight goes
	wide := maxBits - size  // shorter codes than maxBits are repeated
	for x, i := 1, 0; x <= size; x++ {
		at[x] = i
		i += count[x] << (x - 1 + wide)
	}
	for s, x := range w[:n+1] {
		if x == 0 {
			continue
		}
		length := 1 << (int(x) - 1 + wide)
		e := uint16(s)<<8 | uint16(size+1-int(x))
		part := h.code[at[x]:][:length]
		for i := range part {
			part[i] = e
		}
		at[x] += length
	}
	h.known = true
	return true
}

// literals is a stream and where its symbols go.
type literals struct {
	dst      []byte
	at, done int
}

// decode fills dst from the stream in b[start:end], which it must use up exactly.
func (h *huffman) decode(dst, b []byte, start, end int) bool {
	at, done, ok := stream(b, start, end)
	return ok && h.run(b, []literals{{dst, at, done}})
}

// decode4 fills dst from the four streams in b[start:end], which begin with the
// sizes of three of them: RFC 8878, 3.1.1.3.1.6.
func (h *huffman) decode4(dst, b []byte, start, end int) bool {
	quarter := (len(dst) + 3) / 4
	if end-start < 6 || 3*quarter > len(dst) {
		return false
	}
	var streams [4]literals
	from := start + 6
	for k := range streams {
		to := end
		part := dst
		if k < 3 {
			to = from + int(little(b[start+2*k:][:2]))
			part, dst = dst[:quarter], dst[quarter:]
		}
		if to > end {
			return false
		}
		at, done, ok := stream(b, from, to)
		if !ok {
			return false
		}
		streams[k] = literals{part, at, done}
		from = to
	}
	return h.run(b, streams[:])
}

// run decodes streams of b, of which the last has the fewest symbols, and reports
// whether all end where they have to. They do not depend on each other, so that the
// processor decodes them side by side.
func (h *huffman) run(b []byte, streams []literals) bool {
	const shift = 64 - maxBits
	i := 0
	for ; i+perRound <= len(streams[len(streams)-1].dst); i += perRound {
		for k := range streams {
			s := &streams[k]
			if s.at < s.done {
				return false
			}
			// Each store comes before the next load, or all would wait in registers,
			// which there are not enough of.
			v, dst := below(b, s.at), s.dst
			e := h.code[v>>shift]
			sum := e
			dst[i] = byte(e >> 8)
			v <<= e & 63
			e = h.code[v>>shift]
			sum += e
			dst[i+1] = byte(e >> 8)
			v <<= e & 63
			e = h.code[v>>shift]
			sum += e
			dst[i+2] = byte(e >> 8)
			v <<= e & 63
			e = h.code[v>>shift]
			sum += e
			dst[i+3] = byte(e >> 8)
			v <<= e & 63
			e = h.code[v>>shift]
			sum += e
			dst[i+4] = byte(e >> 8)
			s.at -= int(uint8(sum))
		}
	}
	for _, s := range streams {
		for k := i; k < len(s.dst); k++ {
			if s.at < s.done {
				return false
			}
			e := h.code[below(b, s.at)>>shift]
			s.dst[k] = byte(e >> 8)
			s.at -= int(uint8(e))
		}
		if s.at != s.done {
			return false
		}
	}
	return true
}
