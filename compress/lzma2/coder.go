package lzma2

// prob is the probability that a bit is 0, in 1/2048. Each coded bit moves it by 1/32 of the
// distance towards that bit.
type prob uint16

const (
	probBits = 11
	even     = prob(1 << probBits / 2)
	moveBits = 5
)

// coder is the range coder. It narrows the span [low, low+span) by each bit's probability, and
// outputs the digits that all numbers in the span share. The top byte of a span moves out
// before the span becomes too small to be divided: it never falls below 1<<24.
type coder struct {
	low  uint64 // 32 bits and a carry
	span uint32
	out  []byte
}

// mostBytes bounds what one symbol adds to out: the costliest is a match with 23 bits
// by probabilities, of 6.05 bits at most each, and 26 bits as they are.
const mostBytes = 21

// closing is the number of bytes that finish adds to out.
const closing = 4

func (c *coder) begin() {
	c.low, c.span = 0, 1<<32-1
	c.out = append(c.out[:0], 0) // a decoder wants this byte
}

// finish makes out a number within the span, the lowest.
func (c *coder) finish() []byte {
	for range closing {
		c.shift()
	}
	return c.out
}

// shift moves the top byte of low to out. A carry ripples through what is there.
func (c *coder) shift() {
	if c.low>>32 != 0 {
		i := len(c.out) - 1
		for c.out[i]++; c.out[i] == 0; c.out[i]++ {
			i--
		}
	}
	c.out = append(c.out, byte(c.low>>24))
	c.low = c.low & 0xffffff << 8
}

// bit encodes a bit with its probability, which learns from it.
func (c *coder) bit(p *prob, bit uint32) {
	bound := c.span >> probBits * uint32(*p)
	if bit == 0 {
		c.span = bound
		*p += (1<<probBits - *p) >> moveBits
	} else {
		c.low += uint64(bound)
		c.span -= bound
		*p -= *p >> moveBits
	}
	if c.span < 1<<24 {
		c.span <<= 8
		c.shift()
	}
}

// tree encodes n bits of v, the highest first. The earlier bits choose the probability of each.
func (c *coder) tree(probs []prob, n int, v uint32) {
	node := uint32(1)
	for n--; n >= 0; n-- {
		bit := v >> n & 1
		c.bit(&probs[node], bit)
		node = node<<1 | bit
	}
}

// reverse is tree with the lowest bit first.
func (c *coder) reverse(probs []prob, n int, v uint32) {
	node := uint32(1)
	for range n {
		bit := v & 1
		c.bit(&probs[node], bit)
		node = node<<1 | bit
		v >>= 1
	}
}

// direct encodes n bits of v as they are, the highest first.
func (c *coder) direct(n int, v uint32) {
	for n--; n >= 0; n-- {
		c.span >>= 1
		c.low += uint64(c.span & -(v >> n & 1))
		if c.span < 1<<24 {
			c.span <<= 8
			c.shift()
		}
	}
}
