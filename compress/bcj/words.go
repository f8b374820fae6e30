package bcj

import "encoding/binary"

// words applies convert to each instruction of four bytes and the address that it lies at.
func words(b []byte, order binary.ByteOrder, pos uint32, convert func(word, pc uint32) uint32) int {
	n := len(b) &^ 3
	for i := 0; i < n; i += 4 {
		order.PutUint32(b[i:], convert(order.Uint32(b[i:]), pos+uint32(i)))
	}
	return n
}

// powerpc converts bl: 26 bits of address, relative, with link.
func powerpc(b []byte, pos uint32, _ *uint32) int {
	return words(b, binary.BigEndian, pos, func(word, pc uint32) uint32 {
		const address = 0x03fffffc
		if word&^address != 0x48000001 {
			return word
		}
		return word&^address | (word-pc)&address
	})
}

// arm converts bl that is always executed. The processor is two instructions ahead.
func arm(b []byte, pos uint32, _ *uint32) int {
	return words(b, binary.LittleEndian, pos, func(word, pc uint32) uint32 {
		const address = 0x00ffffff
		if word>>24 != 0xeb {
			return word
		}
		return word&^address | (word-(pc+8)>>2)&address
	})
}

// sparc converts call with a distance of 23 bits, sign-extended to the 30 that it has.
func sparc(b []byte, pos uint32, _ *uint32) int {
	return words(b, binary.BigEndian, pos, func(word, pc uint32) uint32 {
		if top := word >> 22; top != 0x100 && top != 0x1ff {
			return word
		}
		word -= pc >> 2
		sign := -(word >> 22 & 1)
		return 0x40000000 | sign&0x3fc00000 | word&0x3fffff
	})
}

// arm64 converts bl, and adrp with a distance of up to 512 MiB.
func arm64(b []byte, pos uint32, _ *uint32) int {
	return words(b, binary.LittleEndian, pos, func(word, pc uint32) uint32 {
		switch {
		case word>>26 == 0x25:
			return 0x25<<26 | (word-pc>>2)&0x03ffffff
		case word&0x9f000000 == 0x90000000:
			pages := word>>29&3 | word>>3&0x1ffffc
			if (pages+0x20000)&0x1c0000 != 0 {
				return word
			}
			pages -= pc >> 12
			sign := -(pages >> 17 & 1)
			return word&0x9000001f | pages&3<<29 | pages&0x3fffc<<3 | sign&0xe00000
		}
		return word
	})
}
