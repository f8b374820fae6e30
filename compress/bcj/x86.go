package bcj

import (
	"encoding/binary"
	"math/bits"
)

// x86 converts call and jmp (e8, e9) with a distance of 32 bits whose highest byte is
// its sign: 00 or ff.
//
// An opcode within the distance of an earlier one that was not converted may be a part
// of that one's distance. The state has a bit for each of the last three bytes that was
// such an opcode, the last byte's lowest. With more than one of them nothing is
// converted, nor if the byte that would then be the highest looks like a sign.
func x86(b []byte, pos uint32, state *uint32) int {
	i, before := 0, *state
	for i+5 <= len(b) {
		if b[i]&0xfe != 0xe8 {
			before = before << 1 & 7
			i++
			continue
		}
		behind := bits.Len32(before) // bytes to the earlier opcode
		doubt := before&(before-1) != 0 || before != 0 && isSign(b[i+4-behind])
		if doubt || !isSign(b[i+4]) {
			before = before<<1&7 | 1
			i++
			continue
		}
		distance := binary.LittleEndian.Uint32(b[i+1:])
		binary.LittleEndian.PutUint32(b[i+1:], x86Distance(distance, pos+uint32(i)+5, behind))
		i += 5
		before = 0
	}
	*state = before
	return i
}

// x86Distance returns the distance to target from next. The filter went on for as long
// as its result could be mistaken for an opcode's that was not converted.
func x86Distance(target, next uint32, behind int) uint32 {
	distance := target - next
	if behind > 0 {
		for shift := 8 * behind; isSign(byte(distance >> (24 - shift))); distance = target - next {
			target = distance ^ (1<<(32-shift) - 1)
		}
	}
	sign := -(distance >> 24 & 1)
	return distance&0xffffff | sign&0xff000000
}

func isSign(b byte) bool { return b == 0x00 || b == 0xff }
