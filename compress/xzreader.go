package compress

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	stubxz "github.com/mkinitfs/mkinitfs/compress/xz"
)

// xzReader reads a stream by the format's specification, whose sections are named here
// (https://tukaani.org/xz/xz-file-format.txt). It leaves the chunks of a block to the
// stub's decoder.
type xzReader struct {
	r       *bufio.Reader
	notes   *notes
	decoder *stubxz.Decoder // nil once it is given back
	err     error           // what Read returns from now on

	flags   [2]byte // of the stream
	check   xzCheck
	blocks  uint64
	records []byte // of the blocks, as the index has to hold them

	block  xzBlock
	data   io.Reader // what is left of the block, nil between two
	chunks *xzStream
	size   int64 // bytes that the block has unpacked to so far
	sum    hash.Hash
}

// xzCheck is a check that can follow a block: section 2.1.1.2.
type xzCheck struct {
	size int
	new  func() hash.Hash
}

// xzSum returns the sum as a stream stores it, in the opposite byte order of Go.
type xzSum struct{ hash.Hash }

func (s xzSum) Sum(b []byte) []byte {
	n := len(b)
	b = s.Hash.Sum(b)
	for i, j := n, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return b
}

func (x *xzReader) setCheck(id byte) error {
	const refused = "check is %s: no kernel takes it (xz --check=crc32 writes what kernels take)"
	switch id {
	case 0:
		x.notes.add(NoteUnchecked, "no check: damage goes unseen")
	case 1:
		x.check = xzCheck{4, func() hash.Hash { return xzSum{crc32.NewIEEE()} }}
	case 4:
		x.notes.add(NoteRefused, fmt.Sprintf(refused, "CRC64"))
		x.check = xzCheck{8, func() hash.Hash { return xzSum{crc64.New(crc64.MakeTable(crc64.ECMA))} }}
	case 10:
		x.notes.add(NoteRefused, fmt.Sprintf(refused, "SHA-256"))
		x.check = xzCheck{sha256.Size, sha256.New}
	default:
		return fmt.Errorf("check number %d, which is unknown", id)
	}
	return nil
}

func (x *xzReader) Read(p []byte) (int, error) {
	for x.err == nil && len(p) > 0 {
		if x.data == nil {
			x.err = x.begin()
			continue
		}
		n, err := x.data.Read(p)
		x.size += int64(n)
		if x.sum != nil {
			x.sum.Write(p[:n])
		}
		if err == io.EOF {
			x.data = nil
			err = x.end()
		}
		x.err = err
		if n > 0 {
			return n, nil
		}
	}
	return 0, x.err
}

func (x *xzReader) Close() error {
	if x.decoder != nil {
		x.decoder.Reset(nil)
		xzDecoders.Put(x.decoder)
		x.decoder, x.err = nil, errors.New("read after close")
	}
	return nil
}

// header reads the header of a stream: section 2.1.1.
func (x *xzReader) header() error {
	b, err := peek(x.r, 12)
	if err != nil {
		return err
	}
	x.flags = [2]byte(b[6:])
	if string(b[:6]) != xzMagic || !xzSummed(b[6:]) || x.flags[0] != 0 || x.flags[1] > 15 {
		return errors.New("corrupt stream header")
	}
	if err := x.setCheck(x.flags[1]); err != nil {
		return err
	}
	_, err = x.r.Discard(12)
	return err
}

// xzSummed reports whether b ends with the CRC32 of what is before it.
func xzSummed(b []byte) bool {
	n := len(b) - 4
	return crc32.ChecksumIEEE(b[:n]) == binary.LittleEndian.Uint32(b[n:])
}

// begin reads the header of a block, or else the index and the footer.
func (x *xzReader) begin() error {
	b, err := peek(x.r, 1)
	if err != nil {
		return err
	}
	if b[0] == 0 {
		return x.tail()
	}
	if b, err = peek(x.r, xzBlockSize(b[0])); err != nil {
		return err
	}
	if !xzSummed(b) {
		return errors.New("corrupt block header")
	}
	if x.block, err = parseXZBlock(b); err != nil {
		return err
	}
	x.r.Discard(len(b))
	x.block.note(x.notes)

	x.chunks = &xzStream{}
	x.chunks.state, x.chunks.after = x.chunks.chunk, xzEnd
	stubxz.ResetBlock(x.decoder, &span{r: x.r, next: x.chunks.next}, uint32(x.block.dictionary), x.block.size)
	x.data, x.size, x.sum = x.decoder, 0, nil
	if f := x.block.filter; f != nil {
		x.data = f.NewReader(x.decoder, x.block.start)
	}
	if x.check.new != nil {
		x.sum = x.check.new()
	}
	return nil
}

// end reads what is behind the chunks of a block and their padding: section 3.4.
func (x *xzReader) end() error {
	k, packed := &x.block, x.chunks.size
	if k.packed >= 0 && k.packed != packed || k.size >= 0 && k.size != x.size {
		return errors.New("block has another size than its header says")
	}
	if x.sum != nil {
		b, err := peek(x.r, x.check.size)
		if err != nil {
			return err
		}
		if !bytes.Equal(b, x.sum.Sum(nil)) {
			return errors.New("checksum does not match")
		}
		x.r.Discard(len(b))
	}
	x.blocks++
	x.records = binary.AppendUvarint(x.records, uint64(k.header+packed+int64(x.check.size)))
	x.records = binary.AppendUvarint(x.records, uint64(x.size))
	return nil
}

// tail reads the index and the footer: sections 4 and 2.1.2. They must repeat what the blocks
// have shown.
func (x *xzReader) tail() error {
	b := append(binary.AppendUvarint([]byte{0}, x.blocks), x.records...)
	b = append(b, make([]byte, -len(b)&3)...)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	footer := binary.LittleEndian.AppendUint32(nil, uint32(len(b)/4-1))
	footer = append(footer, x.flags[:]...)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(footer))
	b = append(append(b, footer...), "YZ"...)
	for len(b) > 0 {
		got, err := peek(x.r, min(len(b), 512))
		if err != nil {
			return err
		}
		if !bytes.Equal(got, b[:len(got)]) {
			return errors.New("index or footer does not match the blocks")
		}
		x.r.Discard(len(got))
		b = b[len(got):]
	}
	return io.EOF
}
