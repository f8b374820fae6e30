package bcj

import "encoding/binary"

// thumb converts the two halves of bl. The processor is two instructions ahead.
func thumb(b []byte, pos uint32, _ *uint32) int {
	i := 0
	for ; i+4 <= len(b); i += 2 {
		high, low := binary.LittleEndian.Uint16(b[i:]), binary.LittleEndian.Uint16(b[i+2:])
		if high>>11 != 0x1e || low>>11 != 0x1f {
			continue
		}
		halves := uint32(high&0x7ff)<<11 | uint32(low&0x7ff)
		halves -= (pos + uint32(i) + 4) >> 1
		binary.LittleEndian.PutUint16(b[i:], 0x1e<<11|uint16(halves>>11&0x7ff))
		binary.LittleEndian.PutUint16(b[i+2:], 0x1f<<11|uint16(halves&0x7ff))
		i += 2
	}
	return i
}
