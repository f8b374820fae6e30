package zstd

// block decodes a block: RFC 8878, 3.1.1.2.
func (d *Decoder) block() error {
	b, err := d.in.take(3)
	if err != nil {
		return err
	}
	head := int(little(b[margin:][:3]))
	last, kind, size := head&1 != 0, head>>1&3, head>>3
	if size > d.frame.block {
		return d.fault(margin, "block is too large")
	}
	limit := int(min(int64(d.frame.block), d.frame.left))
	d.window.reserve(limit)
	start := d.window.pos
	switch kind {
	case 0:
		err = d.rawBlock(size, limit)
	case 1:
		err = d.rleBlock(size, limit)
	case 2:
		err = d.compressedBlock(size, start+limit)
	default:
		err = d.fault(margin, "reserved block type")
	}
	if err != nil {
		return err
	}
	decoded := d.window.buf[start:d.window.pos]
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

func (d *Decoder) rawBlock(size, limit int) error {
	b, err := d.in.take(size)
	if err != nil {
		return err
	}
	return d.flush(margin, b[margin:], d.window.pos+limit)
}

// rleBlock is one byte, size times.
func (d *Decoder) rleBlock(size, limit int) error {
	b, err := d.in.take(1)
	if err != nil {
		return err
	}
	if size > limit {
		return d.fault(margin, "block is too large")
	}
	fill(d.window.buf[d.window.pos:][:size], b[margin])
	d.window.pos += size
	return nil
}

// compressedBlock decodes literals, then sequences: RFC 8878, 3.1.1.3.
func (d *Decoder) compressedBlock(size, limit int) error {
	b, err := d.in.take(size)
	if err != nil {
		return err
	}
	end := margin + size
	lits, i, err := d.readLiterals(b, margin, end)
	if err != nil {
		return err
	}
	return d.sequences(b, i, end, lits, limit)
}
