package lz

import (
	"math/bits"

	"github.com/mkinitfs/mkinitfs/compress/words"
)

const (
	minKeep = 64 << 10
	slack   = 8 // bytes that may be read behind Data
)

// bufferSize returns the bytes of Data. Moving the kept bytes is cheap if it is done once for
// half as many new bytes.
func bufferSize(c Config) int {
	keep := max(c.Window, minKeep)
	return keep + max(keep/2, minKeep) + slack
}

// Fill takes as many bytes of p as there is room for and returns how many. There is room
// for at least 32 KiB behind At.
func (f *Finder) Fill(p []byte) int {
	if len(f.Data)+slack == cap(f.Data) {
		f.slide()
	}
	n := min(len(p), cap(f.Data)-slack-len(f.Data))
	f.Data = append(f.Data, p[:n]...)
	return n
}

// slide drops bytes that are out of reach.
func (f *Finder) slide() {
	drop := max(0, f.At-f.keep)
	f.Data = f.Data[:copy(f.Data, f.Data[drop:])]
	f.At -= drop
	f.base += uint32(drop)
	f.batch.first -= drop
	f.batch.next -= drop
	if f.base > f.last {
		f.forget()
	}
}

// Length returns the number of equal bytes of data at i and j, up to limit. The first n are
// known to be equal. Eight bytes behind limit must be readable at both.
func Length(data []byte, i, j, n, limit int) int {
	for ; n < limit; n += 8 {
		if x := words.Load(data, i+n) ^ words.Load(data, j+n); x != 0 {
			return min(n+bits.TrailingZeros64(x)>>3, limit)
		}
	}
	return limit
}
