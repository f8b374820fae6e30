package xz

import (
	"hash/crc32"
	"io"
)

// streamHeader reads the header of a stream: section 2.1.1.
func (d *Decoder) streamHeader() error {
	b, err := d.take(12)
	if err != nil {
		return err
	}
	if string(b[:6]) != "\xfd7zXZ\x00" {
		return fault("bad magic")
	}
	d.flags = [2]byte(b[6:])
	if crc32.ChecksumIEEE(b[6:8]) != little(b[8:]) || d.flags[0] != 0 {
		return fault("corrupt stream header")
	}
	switch d.flags[1] {
	case 0:
		d.check = 0
	case 1:
		d.check = 4
	default:
		return fault("the check is not CRC32, which xz --check=crc32 makes")
	}
	d.blocks, d.records = 0, d.records[:0]
	d.step = (*Decoder).blockHeader
	return nil
}

// tail reads the index behind its first byte, and the footer: sections 4 and 2.1.2. They must
// repeat what the blocks have shown.
func (d *Decoder) tail() error {
	b := append(d.index[:0], 0)
	b = append(putNumber(b, d.blocks), d.records...)
	for len(b)%4 > 0 {
		b = append(b, 0)
	}
	size := len(b) + 4
	b = put(b, crc32.ChecksumIEEE(b))
	footer := len(b) + 4
	b = put(b, 0) // the sum of what follows
	b = put(b, uint32(size/4-1))
	b = append(b, d.flags[:]...)
	sum := crc32.ChecksumIEEE(b[footer:])
	copy(b[footer-4:], put(nil, sum))
	b = append(b, "YZ"...)
	d.index = b
	for b = b[1:]; len(b) > 0; {
		got, err := d.take(min(len(b), maxPacked))
		if err != nil {
			return err
		}
		if string(got) != string(b[:len(got)]) {
			return fault("index or footer does not match the blocks")
		}
		b = b[len(got):]
	}
	d.step = (*Decoder).end
	return nil
}

// end returns an error unless the input is at its end.
func (d *Decoder) end() error {
	_, err := d.take(1)
	switch err {
	case io.ErrUnexpectedEOF:
		err = io.EOF
	case nil:
		err = fault("data behind the end of the stream")
	}
	return err
}

// number decodes the number at the start of b: section 1.2. It returns the rest of b, or false
// if b does not hold the whole number.
func number(b []byte) (v int64, rest []byte, ok bool) {
	for i := 0; i < min(len(b), 9); i++ {
		v |= int64(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return v, b[i+1:], b[i] > 0 || i == 0
		}
	}
	return 0, nil, false
}

func putNumber(b []byte, v int64) []byte {
	for ; v >= 0x80; v >>= 7 {
		b = append(b, byte(v)|0x80)
	}
	return append(b, byte(v))
}

// ResetBlock makes d decode the chunks of one block and their padding, without the header
// before them and the check behind. It serves readers that accept more headers and checks than
// a Decoder. The dictionary is at most MaxWindow. size is the unpacked size of the block, or
// -1 if its header does not say. Read returns io.EOF behind the padding and takes no more
// bytes of r.
//
// It is a function, because the stub's type information would list a method, and stands
// at the end of a file, because a file of its own has a place in the stub's line tables.
func ResetBlock(d *Decoder, r io.Reader, dictionary uint32, size int64) {
	d.Reset(r)
	d.check, d.blocks, d.records = 0, 0, d.records[:0]
	d.block = block{packed: unknown, size: size}
	d.chunk = chunk{wantReset: true, wantCode: true}
	d.window.reset(dictionary, size)
	d.step = func(d *Decoder) error {
		if d.blocks > 0 {
			return io.EOF
		}
		step := d.step
		err := d.next()
		d.step = step // blockEnd goes on to a header
		return err
	}
}
