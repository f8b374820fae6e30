package gzip

import "github.com/mkinitfs/mkinitfs/compress/words"

var (
	errBlock  = fault("corrupt block")
	errCode   = fault("corrupt code")
	errOffset = fault("match before the beginning")
)

// need makes n bits ready, at most 32, and returns them without removing them. It reads no
// byte before its bits are needed, so fewer than 8 bits remain in the end.
func (d *Decoder) need(n uint) (uint32, error) {
	for d.count < n {
		b, err := d.in.take(1)
		if err != nil {
			return 0, err
		}
		d.bits |= uint64(b[0]) << d.count
		d.count += 8
	}
	return uint32(d.bits & (1<<n - 1)), nil
}

func (d *Decoder) drop(n uint) {
	d.bits >>= n
	d.count -= n
}

func (d *Decoder) take(n uint) (uint32, error) {
	v, err := d.need(n)
	if err == nil {
		d.drop(n)
	}
	return v, err
}

// block reads the head of a block: RFC 1951, 3.2.3.
func (d *Decoder) block() error {
	v, err := d.take(3)
	if err != nil {
		return err
	}
	d.last = v&1 != 0
	d.step = (*Decoder).symbols
	switch v >> 1 {
	case 0:
		d.drop(d.count) // up to the next byte
		b, err := d.in.take(4)
		if err != nil {
			return err
		}
		v := little(b)
		if v&0xffff != ^v>>16 {
			return errBlock
		}
		d.left = int(v & 0xffff)
		d.step = (*Decoder).raw
		return nil
	case 1:
		d.fixedCodes()
		return nil
	case 2:
		return d.dynamic()
	}
	return errBlock
}

func (d *Decoder) endBlock() {
	d.step = (*Decoder).block
	if d.last {
		d.bits, d.count = 0, 0
		d.step = (*Decoder).trailer
	}
}

// raw passes on bytes of a raw block.
func (d *Decoder) raw() error {
	for d.left > 0 && d.pos < history+room {
		if _, err := d.in.Peek(1); err != nil {
			return cut(err)
		}
		b, err := d.in.Peek(min(d.left, d.in.Buffered(), history+room-d.pos))
		if err != nil {
			return err
		}
		d.pos += copy(d.out[d.pos:], b)
		d.left -= len(b)
		d.in.Discard(len(b))
	}
	if d.left == 0 {
		d.endBlock()
	}
	return nil
}

// fixedCodes makes the codes of a block without codes of its own: RFC 1951, 3.2.6.
func (d *Decoder) fixedCodes() {
	if d.fixed {
		return
	}
	d.fixed = true
	literals, offsets := fixedLengths()
	build(d.literals[:], literalLog, literals[:], literalSymbols[:])
	build(d.offsets[:], offsetLog, offsets[:], offsetSymbols[:])
}

// dynamic reads the codes of a block: RFC 1951, 3.2.7.
func (d *Decoder) dynamic() error {
	d.fixed = false
	v, err := d.take(14)
	if err != nil {
		return err
	}
	literals, offsets, n := int(v&31)+257, int(v>>5&31)+1, int(v>>10)+4
	if literals > 286 || offsets > 30 {
		return errCode
	}
	var lengths [286 + 30]uint8
	for i := range n {
		const order = "\x10\x11\x12\x00\x08\x07\x09\x06\x0a\x05\x0b\x04\x0c\x03\x0d\x02\x0e\x01\x0f"
		v, err := d.take(3)
		if err != nil {
			return err
		}
		lengths[order[i]] = uint8(v)
	}
	const log = 7 // of the longest code
	var table [1 << log]uint32
	var symbols [19]uint32
	for i := range symbols {
		symbols[i] = literal | uint32(i)<<16
	}
	if !build(table[:], log, lengths[:19], symbols[:]) {
		return errCode
	}
	clear(lengths[:19])
	for i := 0; i < literals+offsets; {
		e := table[d.bits&(1<<log-1)]
		for e == 0 || taken(e) > d.count {
			if d.count >= log {
				return errCode
			}
			if _, err := d.need(d.count + 1); err != nil {
				return err
			}
			e = table[d.bits&(1<<log-1)]
		}
		d.drop(taken(e))
		s := uint8(e >> 16)
		if s < 16 {
			lengths[i] = s
			i++
			continue
		}
		var length uint8
		var repeat uint32
		switch s {
		case 16:
			if i == 0 {
				return errCode
			}
			length = lengths[i-1]
			repeat, err = d.take(2)
		case 17:
			repeat, err = d.take(3)
		default:
			repeat, err = d.take(7)
			repeat += 8
		}
		if err != nil {
			return err
		}
		to := i + int(repeat) + 3
		if to > literals+offsets {
			return errCode
		}
		for ; i < to; i++ {
			lengths[i] = length
		}
	}
	if lengths[256] == 0 || // the block could not end
		!build(d.literals[:], literalLog, lengths[:literals], literalSymbols[:]) ||
		!build(d.offsets[:], offsetLog, lengths[literals:literals+offsets], offsetSymbols[:]) {
		return errCode
	}
	return nil
}

// symbols decodes symbols until out is full or the block ends.
func (d *Decoder) symbols() error {
	d.in.lend()
	ended, err := d.inflate()
	// Bits that have not been used are of bytes that have not been read.
	d.in.pos -= int(d.count >> 3)
	d.count &= 7
	d.bits &= 1<<d.count - 1
	if cut := d.in.giveBack(); cut != nil {
		d.pos = d.passed // it is made of zeros that the stream does not have
		err = cut
	}
	if ended && err == nil {
		d.endBlock()
	}
	return err
}

// inflate decodes symbols until out is full, data is used up or the block ends. This is the
// hot loop: all its numbers are in local variables, and it calls nothing.
func (d *Decoder) inflate() (ended bool, err error) {
	var (
		data     = d.in.data
		literals = &d.literals
		offsets  = &d.offsets
		out      = d.out[:]
		at, pos  = d.in.pos, d.pos
		v, n     = d.bits, d.count
	)
	for pos < history+room && at <= len(data)-least {
		// Whole bytes are counted as far as they fit. Bits above them come along, and are
		// the same when they come again.
		v |= words.Load(data, at) << (n & 63)
		at += int(63-n) >> 3
		n |= 56
		e := literals[v&(1<<literalLog-1)]
		if e&literal != 0 {
			out[pos] = byte(e >> 16)
			pos++
			v >>= e & 31
			n -= taken(e)
			e = literals[v&(1<<literalLog-1)]
			if e&literal != 0 {
				out[pos] = byte(e >> 16)
				pos++
				v >>= e & 31
				n -= taken(e)
				e = literals[v&(1<<literalLog-1)]
				if e&literal != 0 {
					out[pos] = byte(e >> 16)
					pos++
					v >>= e & 31
					n -= taken(e)
					continue
				}
			}
		}
		// There are 36 bits, of which a length takes 20.
		if e&special != 0 {
			if e&deeper != 0 {
				v >>= literalLog
				n -= literalLog
				e = literals[(e>>16+uint32(v)&(1<<(e&31)-1))%uint32(len(literals))]
			}
			if e&literal != 0 {
				out[pos] = byte(e >> 16)
				pos++
				v >>= e & 31
				n -= taken(e)
				continue
			}
			if e&ending != 0 {
				v >>= e & 31
				n -= taken(e)
				ended = true
				break
			}
		}
		if e == 0 {
			err = errCode
			break
		}
		length := number(e, v)
		v >>= e & 31
		n -= taken(e)

		v |= words.Load(data, at) << (n & 63)
		at += int(63-n) >> 3
		n |= 56
		e = offsets[v&(1<<offsetLog-1)]
		if e&deeper != 0 {
			v >>= offsetLog
			n -= offsetLog
			e = offsets[(e>>16+uint32(v)&(1<<(e&31)-1))%uint32(len(offsets))]
		}
		if e == 0 {
			err = errCode
			break
		}
		offset := number(e, v)
		v >>= e & 31
		n -= taken(e)
		from := pos - offset
		if from < 0 {
			err = errOffset
			break
		}
		end := pos + length
		switch {
		case offset >= 16:
			for ; pos < end; pos, from = pos+16, from+16 {
				words.Copy(out, pos, out, from)
			}
		case offset >= 8:
			for ; pos < end; pos, from = pos+8, from+8 {
				words.Store(out, pos, words.Load(out, from))
			}
		case offset == 1:
			w := uint64(out[from]) * 0x0101010101010101
			for ; pos < end; pos += 8 {
				words.Store(out, pos, w)
			}
		default:
			for ; pos < end; pos, from = pos+1, from+1 {
				out[pos] = out[from]
			}
		}
		pos = end
	}
	d.in.pos, d.pos = at, pos
	d.bits, d.count = v, n
	return ended, err
}
