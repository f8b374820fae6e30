package lzo

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"hash/crc32"
	"io"
	"math/bits"
)

// Magic is the start of a stream.
const Magic = "\x89LZO\x00\r\n\x1a\n"
const maxBlock = 256 << 10 // bytes: lzop writes no larger one, and the kernel takes none

// The flags of a header.
const (
	adler       = 1 << 0 // a sum of each block
	adlerPacked = 1 << 1 // a sum of what it is packed to, if it is packed
	crc         = 1 << 8
	crcPacked   = 1 << 9
	crcHeader   = 1 << 12
	unknown     = 1<<6 | 1<<11 // an extra field, a filter: lzop writes neither
)

// Reader reads one stream.
type Reader struct {
	Sums    int  // of each packed block
	Checked bool // one of them is of the unpacked bytes

	r       io.Reader
	flags   uint32
	in, out [maxBlock]byte
	rest    []byte // of in or out: what has not been read
	err     error
}

// NewReader returns a reader of the stream at the start of r. It has read the header of lzop
// 0.94 and later: fields of a fixed size, a name and a sum. It takes no byte behind the stream
// from r.
func NewReader(r io.Reader) (*Reader, error) {
	const version, method, flags, fixed = 9, 15, 17, 34
	z := &Reader{r: r}
	b := z.in[:fixed]
	if err := z.take(b); err != nil {
		return nil, err
	}
	z.flags = binary.BigEndian.Uint32(b[flags:])
	switch {
	case string(b[:version]) != Magic:
		return nil, errors.New("bad magic")
	case binary.BigEndian.Uint16(b[version:]) < 0x0940:
		return nil, errors.New("format of lzop before 0.94")
	case b[method] < 1 || b[method] > 3 || z.flags&unknown != 0:
		return nil, fmt.Errorf("method %d with flags %#x, which lzop does not write", b[method], z.flags)
	}
	end := fixed + int(b[fixed-1])
	if err := z.take(z.in[fixed : end+4]); err != nil {
		return nil, err
	}
	checksum := adler32.Checksum
	if z.flags&crcHeader != 0 {
		checksum = crc32.ChecksumIEEE
	}
	if checksum(z.in[version:end]) != binary.BigEndian.Uint32(z.in[end:]) {
		return nil, errors.New("corrupt header")
	}
	z.Sums = bits.OnesCount32(z.flags & (adler | crc | adlerPacked | crcPacked))
	z.Checked = z.flags&(adler|crc) != 0
	return z, nil
}

func (z *Reader) Read(p []byte) (int, error) {
	for ; len(z.rest) == 0; z.rest, z.err = z.next() {
		if z.err != nil {
			return 0, z.err
		}
	}
	n := copy(p, z.rest)
	z.rest = z.rest[n:]
	return n, nil
}

// next decodes one block. A block that did not shrink is stored raw, without the sums of
// packed bytes.
func (z *Reader) next() ([]byte, error) {
	unpacked := z.number()
	if unpacked == 0 && z.err == nil {
		return nil, io.EOF
	}
	packed, flags := z.number(), z.flags
	if packed == unpacked {
		flags &^= adlerPacked | crcPacked
	}
	var sums [4]uint32 // in the order of the format
	for i, flag := range []uint32{adler, crc, adlerPacked, crcPacked} {
		if flags&flag != 0 {
			sums[i] = z.number()
		}
	}
	switch {
	case z.err != nil:
		return nil, z.err
	case unpacked > maxBlock || packed == 0 || packed > unpacked:
		return nil, fmt.Errorf("corrupt data: block of %d bytes, packed to %d", unpacked, packed)
	}
	out := z.in[:packed]
	err := z.take(out)
	if err == nil && packed < unpacked {
		out = z.out[:unpacked]
		err = Unpack(out, z.in[:packed])
	}
	switch {
	case err != nil:
		return nil, err
	case flags&adler != 0 && adler32.Checksum(out) != sums[0], flags&crc != 0 && crc32.ChecksumIEEE(out) != sums[1]:
		return nil, errors.New("checksum does not match")
	}
	return out, nil
}

// take fills b from the stream.
func (z *Reader) take(b []byte) error {
	_, err := io.ReadFull(z.r, b)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// number returns a field. Where the stream is cut it sets z.err.
func (z *Reader) number() uint32 {
	var b [4]byte
	z.err = cmp.Or(z.err, z.take(b[:]))
	return binary.BigEndian.Uint32(b[:])
}
