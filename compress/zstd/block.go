package zstd

// block decodes a block: RFC 8878, 3.1.1.2.
func (d *Decoder) block() error {
	const (
		raw        = iota
		rle        // one byte, size times
		compressed // literals, then sequences
	)
	b, err := d.in.take(3)
	if err != nil {
		return err
	}
	head := int(little(b[margin:][:3]))
	last, kind, size := head&1 != 0, head>>1&3, head>>3
	room := int(min(int64(d.frame.block), d.frame.left))
	switch {
	case kind > compressed:
		return d.fault(margin, "reserved block type")
	case size > d.frame.block || kind != compressed && size > room:
		return d.fault(margin, "block is too large")
	}
	w := &d.window
	w.reserve(room)
	start := w.pos
	switch kind {
	case raw:
		if b, err = d.in.take(size); err != nil {
			return err
		}
		w.pos += copy(w.buf[w.pos:], b[margin:][:size])
	case rle:
		if b, err = d.in.take(1); err != nil {
			return err
		}
		fill(w.buf[w.pos:][:size], b[margin])
		w.pos += size
	case compressed:
		if err := d.compressed(size, start+room); err != nil {
			return err
		}
	}
	decoded := w.buf[start:w.pos]
	if d.frame.left != unknown {
		d.frame.left -= int64(len(decoded))
	}
	if d.frame.checksum {
		d.sum.write(decoded)
	}
	if last {
		if err := d.finish(); err != nil {
			return err
		}
	}
	d.pending = decoded
	return nil
}

// compressed decodes a compressed block of size bytes into the window, which it
// fills up to limit at most: RFC 8878, 3.1.1.3.
func (d *Decoder) compressed(size, limit int) error {
	b, err := d.in.take(size)
	if err != nil {
		return err
	}
	end := margin + size
	lits, i, err := d.readLiterals(b, margin, end)
	if err != nil {
		return err
	}
	lits, err = d.sequences(b, i, end, lits, limit)
	if err != nil {
		return err
	}
	lits = lits[:len(lits)-margin]
	if len(lits) > limit-d.window.pos {
		return d.fault(margin, "block is too large")
	}
	d.window.pos += copy(d.window.buf[d.window.pos:], lits)
	return nil
}

// fill sets b to c.
func fill(b []byte, c byte) {
	if len(b) == 0 {
		return
	}
	b[0] = c
	for n := 1; n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}
