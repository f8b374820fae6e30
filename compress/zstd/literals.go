package zstd

// readLiterals decodes the literals section of a block, in b[i:end], and returns
// the literals with a margin behind them, and where the section ends: RFC 8878,
// 3.1.1.3.1.
func (d *Decoder) readLiterals(b []byte, i, end int) (lits []byte, next int, err error) {
	const (
		raw = iota
		rle
		compressed
		treeless // with the Huffman code of the block before
	)
	const corrupt = "corrupt literals"
	if i == end {
		return nil, 0, d.fault(i, corrupt)
	}
	kind, format := b[i]&3, b[i]>>2&3
	head := little(b[i:][:5])
	var size, packed int
	if kind == raw || kind == rle {
		switch format {
		case 0, 2:
			size, i = int(head>>3&(1<<5-1)), i+1
		case 1:
			size, i = int(head>>4&(1<<12-1)), i+2
		case 3:
			size, i = int(head>>4&(1<<20-1)), i+3
		}
		packed = size
		if kind == rle {
			packed = 1
		}
	} else {
		width := [4]int{10, 10, 14, 18}[format]
		size = int(head >> 4 & (1<<width - 1))
		packed = int(head >> (4 + width) & (1<<width - 1))
		i += (4 + 2*width + 7) / 8
	}
	next = i + packed
	if size > d.frame.block || next > end {
		return nil, 0, d.fault(i, corrupt)
	}
	if kind == raw {
		return b[i : next+margin], next, nil
	}
	if cap(d.literals) < size+margin {
		d.literals = make([]byte, d.frame.block+margin)
	}
	lits = d.literals[:size+margin]
	dst := lits[:size]
	switch kind {
	case rle:
		fill(dst, b[i])
		return lits, next, nil
	case compressed:
		start, ok := i, false
		if i, ok = d.huffman.read(b, i, next); !ok {
			return nil, 0, d.fault(start, "corrupt Huffman table")
		}
	case treeless:
		if !d.huffman.known {
			return nil, 0, d.fault(i, "literals without a Huffman table")
		}
	}
	decode := d.huffman.decode4
	if format == 0 {
		decode = d.huffman.decode
	}
	if !decode(dst, b, i, next) {
		return nil, 0, d.fault(i, corrupt)
	}
	return lits, next, nil
}
