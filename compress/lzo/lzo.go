// Package lzo decodes the output of lzop: blocks of LZO1X (lzo.go) in a container with sums
// (lzop.go). Only host tools are linked with it.
package lzo

import "errors"

var errCorrupt = errors.New("corrupt data")

const many = 4 // literals: a run of them

// Unpack decodes the LZO1X block src into dst, which it must fill. Nothing in src is trusted.
// Documentation/staging/lzo.rst of the kernel describes the format. Unpack does not know the
// version that the kernel added for its own use.
//
// An instruction copies a match from what was decoded and then up to 3 literals. The
// meaning of the smallest ones depends on how many literals came before them.
func Unpack(dst, src []byte) error {
	b := block{src: src, dst: dst}
	before := 0
	if len(src) > 0 && src[0] > 17 {
		n := int(b.next()) - 17
		b.literals(n)
		before = min(n, many)
	}
	for !b.bad {
		op := int(b.next())
		length, distance, literals := 2, 1+op>>2, op&3
		switch {
		case op >= 64:
			length, distance = op>>5+1, 1+op>>2&7+int(b.next())<<3
		case op >= 32:
			length += b.extended(op&31, 31)
			distance, literals = b.far(1)
		case op >= 16:
			length += b.extended(op&7, 7)
			distance, literals = b.far(op & 8 << 11)
			if distance == 0 { // the end
				if b.bad || length != 3 || len(b.src) > 0 || b.done < len(dst) {
					return errCorrupt
				}
				return nil
			}
			distance += 16 << 10
		case before == 0:
			b.literals(3 + b.extended(op, 15))
			before = many
			continue
		case before == many:
			length, distance = 3, distance+2<<10+int(b.next())<<2
		default:
			distance += int(b.next()) << 2
		}
		before = literals
		b.match(length, distance)
		b.literals(literals)
	}
	return errCorrupt
}

// block is the block that is being decoded.
type block struct {
	src  []byte // what is left
	dst  []byte
	done int  // bytes of dst
	bad  bool // src was too short, or what it says does not fit
}

func (b *block) next() byte {
	if b.bad = b.bad || len(b.src) == 0; b.bad {
		return 0
	}
	c := b.src[0]
	b.src = b.src[1:]
	return c
}

// extended returns the length in an instruction. If that is 0, it returns the largest length
// that fits there plus the bytes behind the instruction.
func (b *block) extended(length, most int) int {
	if length > 0 {
		return length
	}
	c := b.next()
	for length = most; c == 0 && !b.bad; c = b.next() {
		length += 255
	}
	return length + int(c)
}

// far returns a distance of at least least, by 14 bits, and a number of literals.
func (b *block) far(least int) (distance, literals int) {
	v := int(b.next()) | int(b.next())<<8
	return least + v>>2, v & 3
}

func (b *block) literals(n int) {
	if b.bad = b.bad || n > len(b.src) || n > len(b.dst)-b.done; b.bad {
		return
	}
	b.done += copy(b.dst[b.done:], b.src[:n])
	b.src = b.src[n:]
}

func (b *block) match(length, distance int) {
	from, end := b.done-distance, b.done+length
	if b.bad = b.bad || from < 0 || end > len(b.dst); b.bad {
		return
	}
	for b.done < end { // what overlaps repeats
		b.done += copy(b.dst[b.done:end], b.dst[from:b.done])
	}
}
