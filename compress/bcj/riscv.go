package bcj

import "encoding/binary"

const auipc = 0x17 // the seven bits of its opcode

// riscv converts jal to a function, and auipc together with the instruction behind it
// that adds the low 12 bits of an address.
//
// The filter writes such a pair as an auipc to register 2, which programs do not use this way.
// The second instruction without its 12 bits replaces the 20 bits, and the address follows,
// highest byte first. If a pair looked like that already, the filter writes it in the usual
// form to tell it apart.
func riscv(b []byte, pos uint32, _ *uint32) int {
	i := 0
	for i+8 <= len(b) {
		switch {
		case b[i] == 0xef:
			i += riscvJump(b[i:], pos+uint32(i))
		case b[i]&0x7f == auipc:
			i += riscvPair(b[i:], pos+uint32(i))
		default:
			i += 2
		}
	}
	return i
}

// riscvJump converts a jal that begins b if it is a call: one that leaves the return
// address in register 1 or 5. It returns the length that is done.
func riscvJump(b []byte, pc uint32) int {
	if b[1]&0x0d != 0 {
		return 2
	}
	// The filter has put the bits of the target in order, highest first.
	distance := uint32(b[1]&0xf0)<<13 | uint32(b[2])<<9 | uint32(b[3])<<1
	distance -= pc
	word := binary.LittleEndian.Uint32(b) & 0xfff
	word |= distance & 0xff000          // bits 19 to 12
	word |= distance >> 11 & 1 << 20    // bit 11
	word |= distance >> 1 & 0x3ff << 21 // bits 10 to 1
	word |= distance >> 20 & 1 << 31    // bit 20
	binary.LittleEndian.PutUint32(b, word)
	return 4
}

// riscvPair converts the auipc that begins b and what follows it, if they are a pair.
// It returns the length that is done.
func riscvPair(b []byte, pc uint32) int {
	first, second := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	register := first >> 7 & 31
	if register != 0 && register != 2 {
		if second&3 != 3 || second>>15&31 != register {
			return 6
		}
		// A pair that the filter has put in the usual form without a conversion.
		address := first&0xfffff000 + second>>20
		binary.LittleEndian.PutUint32(b, second<<12|2<<7|auipc)
		binary.LittleEndian.PutUint32(b[4:], address)
		return 8
	}
	source := first >> 27 // the register of the second instruction
	if register != 2 || first>>12&3 != 3 || source == 0 || source == 2 {
		return 4
	}
	distance := binary.BigEndian.Uint32(b[4:]) - pc
	high := (distance + 0x800) & 0xfffff000 // the 12 bits are signed
	binary.LittleEndian.PutUint32(b, high|source<<7|auipc)
	binary.LittleEndian.PutUint32(b[4:], first>>12|distance<<20)
	return 8
}
