package xz

import "hash/crc32"

const (
	maxPacked = 64 << 10 // bytes of a chunk
	unknown   = -1       // a size that a block's header does not say
)

// block is the block that is being decoded.
type block struct {
	header       int64 // its size
	start        int64 // where it begins behind that
	packed, size int64 // as the header says, or unknown
	done         int64 // bytes unpacked
	sum          uint32
}

// window holds the decoded data of a block, as far back as a match may reach. It is filled
// from the front, again and again. It has margin more bytes than the dictionary, so that a
// byte is out of reach before it is overwritten.
type window struct {
	buf  []byte // with a margin at the end
	room int    // what may be filled
	size uint32 // of the dictionary
	pos  int    // where the next byte goes
	full bool   // it has been filled once
}

// margin is the number of bytes behind the input and the window that may be accessed, though
// never used. It spares the inner loops bounds tests: a symbol takes at most 21 bytes of the
// input, and a match is copied 16 bytes at once.
const margin = 32

func (w *window) reset(dictionary uint32, size int64) {
	w.size = dictionary
	w.room = int(dictionary) + margin
	if size != unknown && size < int64(w.room) {
		w.room = int(size)
	}
	if cap(w.buf) < w.room+margin {
		w.buf = make([]byte, w.room+margin)
	}
	w.buf = w.buf[:w.room+margin]
	w.pos, w.full = 0, false
}

// match copies n bytes to pos, from distance+1 bytes back.
func (w *window) match(pos, n int, distance uint32) bool {
	buf, from := w.buf, pos-1-int(distance)
	if distance >= w.size || from < 0 && !w.full {
		return false
	}
	if from < 0 {
		from += w.room
		turn := copy(buf[pos:pos+n], buf[from:w.room])
		pos += turn
		n -= turn
		from = 0
	}
	end := pos + n
	if distance < 15 { // what overlaps repeats: each round doubles what there is to copy
		for pos < end {
			pos += copy(buf[pos:end], buf[from:pos])
		}
		return true
	}
	for ; pos < end; pos += 16 {
		*(*[16]byte)(buf[pos : pos+16]) = *(*[16]byte)(buf[from : from+16])
		from += 16
	}
	return true
}

// blockHeader reads the header of a block, or else the byte that begins the index:
// section 3.1.
func (d *Decoder) blockHeader() error {
	const corrupt = "corrupt block header"
	start := d.offset
	b, err := d.take(1)
	if err != nil {
		return err
	}
	if b[0] == 0 {
		return d.tail()
	}
	sum := crc32.ChecksumIEEE(b)
	if b, err = d.take(int(b[0])*4 + 3); err != nil {
		return err
	}
	body, want := b[:len(b)-4], little(b[len(b)-4:])
	if crc32.Update(sum, crc32.IEEETable, body) != want {
		return fault(corrupt)
	}
	d.block = block{header: d.offset - start, start: d.offset, packed: unknown, size: unknown}
	flags, body := body[0], body[1:]
	for i, size := range []*int64{&d.block.packed, &d.block.size} {
		ok := true
		if flags&(0x40<<i) != 0 {
			*size, body, ok = number(body)
		}
		if !ok {
			return fault(corrupt)
		}
	}
	const lzma2 = 0x21
	if flags&0x3f != 0 || len(body) < 3 || body[0] != lzma2 {
		return fault("a filter other than LZMA2")
	}
	code := body[2] // section 5.3.1
	if body[1] != 1 || code > 40 {
		return fault(corrupt)
	}
	for _, padding := range body[3:] {
		if padding != 0 {
			return fault(corrupt)
		}
	}
	dictionary := uint64(2|code&1) << (11 + code/2)
	if dictionary > MaxWindow {
		return fault("dictionary of more than 128 MiB")
	}
	d.window.reset(uint32(dictionary), d.block.size)
	d.chunk = chunk{wantReset: true, wantCode: true}
	d.step = (*Decoder).next
	return nil
}

// blockEnd reads the bytes behind the last chunk: sections 3.3 and 3.4.
func (d *Decoder) blockEnd() error {
	k := &d.block
	packed := d.offset - k.start
	if k.packed != unknown && k.packed != packed || k.size != unknown && k.size != k.done {
		return fault("block has another size than its header says")
	}
	padding := int(-packed & 3)
	b, err := d.take(padding + d.check)
	if err != nil {
		return err
	}
	for _, c := range b[:padding] {
		if c != 0 {
			return fault("corrupt padding of a block")
		}
	}
	if d.check > 0 && little(b[padding:]) != k.sum {
		return fault("checksum does not match")
	}
	d.blocks++
	d.records = putNumber(d.records, k.header+packed+int64(d.check))
	d.records = putNumber(d.records, k.done)
	d.step = (*Decoder).blockHeader
	return nil
}

// chunk is the chunk that is being decoded, and the demands on the next one.
type chunk struct {
	left                int // bytes to be unpacked
	raw                 bool
	wantReset, wantCode bool
}

// next takes one step in a block: the beginning of a chunk, or as much of a chunk
// as fits into the window without a break.
func (d *Decoder) next() error {
	if d.chunk.left == 0 {
		return d.chunkHeader()
	}
	w := &d.window
	if w.pos == w.room {
		w.pos, w.full = 0, true
	}
	start := w.pos
	end := min(w.room, start+d.chunk.left)
	if d.chunk.raw {
		if err := d.read(w.buf[start:end]); err != nil {
			return err
		}
		w.pos = end
	} else if !d.symbols(end) {
		return fault("corrupt data")
	}
	decoded := w.buf[start:end]
	d.chunk.left -= len(decoded)
	if d.chunk.left == 0 && !d.chunk.raw && !d.lzma.finished() {
		return fault("corrupt data")
	}
	d.block.done += int64(len(decoded))
	if d.check > 0 {
		d.block.sum = crc32.Update(d.block.sum, crc32.IEEETable, decoded)
	}
	d.pending = decoded
	return nil
}

// chunkHeader reads the header of a chunk. lib/xz/xz_dec_lzma2.c says what its first byte
// means.
func (d *Decoder) chunkHeader() error {
	const corrupt = "corrupt chunk header"
	b, err := d.take(1)
	if err != nil {
		return err
	}
	c, control := &d.chunk, b[0]
	if control == 0 {
		return d.blockEnd()
	}
	if control == 1 || control >= 0xe0 {
		c.wantReset, c.wantCode = false, true
		d.window.pos, d.window.full = 0, false
	}
	c.raw = control < 0x80
	if c.wantReset || c.raw && control > 2 {
		return fault(corrupt)
	}
	if c.raw {
		if b, err = d.take(2); err != nil {
			return err
		}
		c.left = int(b[0])<<8 + int(b[1]) + 1
	} else {
		size := 4
		if control >= 0xc0 {
			size = 5
		}
		if b, err = d.take(size); err != nil {
			return err
		}
		c.left = int(control&0x1f)<<16 + int(b[0])<<8 + int(b[1]) + 1
		packed := int(b[2])<<8 + int(b[3]) + 1
		ok := !c.wantCode
		if control >= 0xc0 {
			ok = d.lzma.properties(b[4])
			c.wantCode = false
		}
		if control >= 0xa0 {
			d.lzma.reset()
		}
		if !ok {
			return fault(corrupt)
		}
		if b, err = d.take(packed); err != nil {
			return err
		}
		if !d.lzma.start(b) {
			return fault("corrupt data")
		}
	}
	if d.block.size != unknown && d.block.done+int64(c.left) > d.block.size {
		return fault("block has another size than its header says")
	}
	return nil
}
