package zstd

import (
	"math/bits"

	"github.com/mkinitfs/mkinitfs/compress/words"
)

// xxh64 is the checksum of a frame's content: XXH64 with the seed 0, as in
// https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md.
type xxh64 struct {
	lanes [4]uint64
	total uint64
	part  [32]byte // total%32 bytes that do not fill a stripe yet
}

const (
	prime1 uint64 = 0x9e3779b185ebca87
	prime2 uint64 = 0xc2b2ae3d27d4eb4f
	prime3 uint64 = 0x165667b19e3779f9
	prime4 uint64 = 0x85ebca77c2b2ae63
	prime5 uint64 = 0x27d4eb2f165667c5
)

func (x *xxh64) reset() {
	p1, p2 := prime1, prime2 // variables, as the constants overflow
	x.lanes = [4]uint64{p1 + p2, p2, 0, -p1}
	x.total = 0
}

func (x *xxh64) write(b []byte) {
	held := int(x.total % 32)
	x.total += uint64(len(b))
	if held > 0 {
		n := copy(x.part[held:], b)
		b = b[n:]
		if held+n < 32 {
			return
		}
		x.stripes(x.part[:])
	}
	x.stripes(b)
	copy(x.part[:], b[len(b)&^31:])
}

// stripes adds the whole stripes of b.
func (x *xxh64) stripes(b []byte) {
	l0, l1, l2, l3 := x.lanes[0], x.lanes[1], x.lanes[2], x.lanes[3]
	for i := 32; i <= len(b); i += 32 {
		l0 = lane(l0, words.Load(b, i-32))
		l1 = lane(l1, words.Load(b, i-24))
		l2 = lane(l2, words.Load(b, i-16))
		l3 = lane(l3, words.Load(b, i-8))
	}
	x.lanes = [4]uint64{l0, l1, l2, l3}
}

func lane(l, v uint64) uint64 { return bits.RotateLeft64(l+v*prime2, 31) * prime1 }

func (x *xxh64) sum() uint64 {
	h := prime5
	if x.total >= 32 {
		l := &x.lanes
		h = bits.RotateLeft64(l[0], 1) + bits.RotateLeft64(l[1], 7) +
			bits.RotateLeft64(l[2], 12) + bits.RotateLeft64(l[3], 18)
		for _, v := range l {
			h = (h^lane(0, v))*prime1 + prime4
		}
	}
	h += x.total
	b := x.part[:x.total%32]
	for ; len(b) >= 8; b = b[8:] {
		h = bits.RotateLeft64(h^lane(0, words.Load(b, 0)), 27)*prime1 + prime4
	}
	if len(b) >= 4 {
		h = bits.RotateLeft64(h^little(b[:4])*prime1, 23)*prime2 + prime3
		b = b[4:]
	}
	for _, c := range b {
		h = bits.RotateLeft64(h^uint64(c)*prime5, 11) * prime1
	}
	h = (h ^ h>>33) * prime2
	h = (h ^ h>>29) * prime3
	return h ^ h>>32
}
