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

// decode fills dst from the stream in b[start:end], which it must use up exactly.
func (h *huffman) decode(dst, b []byte, start, end int) bool {
	at, done, ok := stream(b, start, end)
	return ok && h.rest(dst, b, at, done)
}

// rest fills dst from at on and reports whether that ends at done.
func (h *huffman) rest(dst, b []byte, at, done int) bool {
	for ; len(dst) >= perRound && at >= done; dst = dst[perRound:] {
		at -= h.round(dst, below(b, at))
	}
	for i := range dst {
		if at < done {
			return false
		}
		e := h.code[below(b, at)>>(64-maxBits)]
		dst[i] = byte(e >> 8)
		at -= int(uint8(e))
	}
	return at == done
}

// round decodes perRound symbols from v and returns how many bits they took.
func (h *huffman) round(dst []byte, v uint64) int {
	const shift = 64 - maxBits
	dst = dst[:perRound]
	e0 := h.code[v>>shift]
	v <<= e0 & 63
	e1 := h.code[v>>shift]
	v <<= e1 & 63
	e2 := h.code[v>>shift]
	v <<= e2 & 63
	e3 := h.code[v>>shift]
	v <<= e3 & 63
	e4 := h.code[v>>shift]
	dst[0], dst[1], dst[2], dst[3], dst[4] = byte(e0>>8), byte(e1>>8), byte(e2>>8), byte(e3>>8), byte(e4>>8)
	return int(uint8(e0 + e1 + e2 + e3 + e4))
}

// decode4 fills dst from the four streams in b[start:end], which begin with the
// sizes of three of them: RFC 8878, 3.1.1.3.1.6. The streams do not depend on
// each other, so the processor decodes them side by side.
func (h *huffman) decode4(dst, b []byte, start, end int) bool {
	if end-start < 6 {
		return false
	}
	s1 := start + 6
	s2 := s1 + int(little(b[start:][:2]))
	s3 := s2 + int(little(b[start+2:][:2]))
	s4 := s3 + int(little(b[start+4:][:2]))
	quarter := (len(dst) + 3) / 4
	if s4 > end || 3*quarter > len(dst) {
		return false
	}
	d1, d2, d3, d4 := dst[:quarter], dst[quarter:2*quarter], dst[2*quarter:3*quarter], dst[3*quarter:]
	at1, done1, ok1 := stream(b, s1, s2)
	at2, done2, ok2 := stream(b, s2, s3)
	at3, done3, ok3 := stream(b, s3, s4)
	at4, done4, ok4 := stream(b, s4, end)
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return false
	}
	i := 0
	for i+perRound <= len(d4) && at1 >= done1 && at2 >= done2 && at3 >= done3 && at4 >= done4 {
		at1 -= h.round(d1[i:], below(b, at1))
		at2 -= h.round(d2[i:], below(b, at2))
		at3 -= h.round(d3[i:], below(b, at3))
		at4 -= h.round(d4[i:], below(b, at4))
		i += perRound
	}
	return h.rest(d1[i:], b, at1, done1) && h.rest(d2[i:], b, at2, done2) &&
		h.rest(d3[i:], b, at3, done3) && h.rest(d4[i:], b, at4, done4)
}
