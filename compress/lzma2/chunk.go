package lzma2

// The xz specification does not describe the format of chunks. Its source here is
// lib/xz/xz_dec_lzma2.c of the kernel, with its comments. The first byte of a chunk is its
// kind:
//
//	0x00  no more chunks
//	0x01  raw, after a reset of the dictionary
//	0x02  raw
//	0x80  LZMA, by the state of the chunk before; the lowest 5 bits are of the size
//	0xa0  LZMA, after a reset of the state
//	0xc0  the same, with new properties: lc, lp and pb
//	0xe0  the same, and after a reset of the dictionary
const (
	endOfBlock  = 0x00
	rawReset    = 0x01
	raw         = 0x02
	coded       = 0x80
	maxPacked   = 64 << 10
	maxUnpacked = 2 << 20
)

// reset is the part of the next LZMA chunk's first byte that tells what to reset.
type reset byte

const (
	resetState      reset = 0x20
	resetProperties reset = 0x40
	resetDictionary reset = 0x60
)

// fits reports whether a chunk has room for one more symbol.
func (e *Encoder) fits() bool {
	return len(e.coder.out)+mostBytes+closing <= maxPacked && e.chunk+maxLength <= maxUnpacked
}

// endChunk writes the chunk, raw if that is smaller, and begins the next one. Behind a raw
// chunk it resets the state, as liblzma does.
func (e *Encoder) endChunk() {
	packed := e.coder.finish()
	size, packedSize := e.chunk-1, len(packed)-1
	if len(packed) < e.chunk {
		h := append(e.header[:0], coded|byte(e.reset)|byte(size>>16), byte(size>>8), byte(size), byte(packedSize>>8), byte(packedSize))
		if e.reset >= resetProperties {
			h = append(h, e.properties)
		}
		e.write(h)
		e.write(packed)
		e.reset = 0
	} else {
		control := byte(raw)
		if e.reset == resetDictionary {
			control, e.reset = rawReset, resetProperties
		}
		e.write(append(e.header[:0], control, byte(size>>8), byte(size)))
		e.write(e.finder.Data[e.finder.At-e.chunk : e.finder.At])
		e.reset = max(e.reset, resetState)
		e.resetModel()
	}
	e.chunk = 0
	e.coder.begin()
}

// write writes to the underlying writer, unless that has failed before.
func (e *Encoder) write(b []byte) {
	if e.err == nil {
		_, e.err = e.w.Write(b)
	}
}
