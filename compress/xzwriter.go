package compress

import (
	"encoding/binary"
	"hash/crc32"
	"io"

	"github.com/mkinitfs/mkinitfs/compress/lzma2"
)

// xzWriter writes a stream of one block, by the specification
// (https://tukaani.org/xz/xz-file-format.txt) whose sections are named here. The block's header
// has no sizes, so the stream need not be buffered until they are known. The index holds them.
type xzWriter struct {
	w       io.Writer
	err     error // of w
	written int64 // to w
	size    int64 // bytes that were packed
	sum     uint32
	buf     []byte
	chunks  lzma2.Encoder
}

const (
	xzFlags      = "\x00\x01" // CRC32: section 2.1.1.2
	xzHeaderSize = 12         // of the stream's header: section 2.1.1
	xzSumSize    = 4
)

func newXZWriter(w io.Writer, o Options) (io.WriteCloser, error) {
	x := new(xzWriter)
	x.reset(w, o)
	return x, nil
}

// reset writes the headers of the stream and of the block.
func (x *xzWriter) reset(w io.Writer, o Options) bool {
	x.w, x.err = w, nil
	x.written, x.size, x.sum = 0, 0, 0
	lzma := xzOptions(o)
	b := append(x.buf[:0], xzMagic+xzFlags...)
	b = appendSum(b, len(xzMagic))
	// Section 3.1: 12 bytes, one filter and no sizes; LZMA2 with one byte of properties.
	b = append(b, 12/4-1, 0, 0x21, 1, xzDictionaryCode(int64(lzma.Dictionary)), 0, 0, 0)
	x.buf = appendSum(b, xzHeaderSize)
	x.put(x.buf)
	x.chunks.Reset((*xzOutput)(x), lzma)
	return true
}

func (x *xzWriter) Write(p []byte) (int, error) {
	x.sum = crc32.Update(x.sum, crc32.IEEETable, p)
	x.size += int64(len(p))
	return x.chunks.Write(p)
}

// Close ends the block and writes index and footer: sections 3.3, 3.4, 4 and 2.1.2.
func (x *xzWriter) Close() error {
	if err := x.chunks.Close(); err != nil {
		return err
	}
	block := x.written - xzHeaderSize + xzSumSize
	b := appendZeros(x.buf[:0], x.written)
	b = binary.LittleEndian.AppendUint32(b, x.sum)

	index := len(b)
	b = append(b, 0, 1) // one record
	b = binary.AppendUvarint(b, uint64(block))
	b = binary.AppendUvarint(b, uint64(x.size))
	b = appendZeros(b, int64(len(b)-index))
	size := len(b) - index
	b = appendSum(b, index)

	footer := append(binary.LittleEndian.AppendUint32(nil, uint32(size/4)), xzFlags...)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(footer))
	b = append(append(b, footer...), "YZ"...)
	x.buf = b
	x.put(b)
	return x.err
}

// put writes to w, unless that has failed before.
func (x *xzWriter) put(b []byte) {
	if x.err == nil {
		var n int
		n, x.err = x.w.Write(b)
		x.written += int64(n)
	}
}

// xzOutput is the writer for the chunks.
type xzOutput xzWriter

func (x *xzOutput) Write(b []byte) (int, error) {
	(*xzWriter)(x).put(b)
	return len(b), x.err
}

// appendSum appends the CRC32 of b from an index on.
func appendSum(b []byte, from int) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b[from:]))
}

// appendZeros pads to a multiple of 4.
func appendZeros(b []byte, size int64) []byte { return append(b, "\x00\x00\x00"[:-size&3]...) }
