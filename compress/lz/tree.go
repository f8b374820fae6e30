package lz

import (
	"math/bits"

	"github.com/mkinitfs/mkinitfs/compress/words"
)

// walk is a walk down a tree.
type walk struct {
	at       int    // the new position, in Data
	limit    int    // of a match
	position uint32 // the same as at
	slot     uint32
	node     uint32 // the position that comes next
	left     int    // nodes that may still be looked at
	longest  int    // of the matches found

	// Two links wait for the next node that is smaller than the new position, and for the
	// next that is larger. All further nodes are between the last smaller and the last
	// larger one, so that they have in common what both have with the new position.
	open   [2]uint32
	common [2]int

	index int // in the batch
	busy  bool
	count int
	found []Match
}

// begin begins to look up position i of the batch, with the short matches.
func (f *Finder) begin(w *walk, i int, data []byte) {
	b := &f.batch
	h := &b.heads[i]
	w.index, w.count, w.longest = i, 0, 1
	w.at = b.first + i
	w.position = f.base + uint32(w.at)
	w.limit = min(f.config.Nice, len(f.Data)-w.at)
	w.slot = f.slot
	if f.slot++; f.slot == f.slots {
		f.slot = 0
	}
	w.node = h.root
	w.left = f.config.Depth
	w.open = [2]uint32{2 * w.slot, 2*w.slot + 1}
	w.common = [2]int{}
	f.short(w, h.pair, nearPairs, 2, data)
	f.short(w, h.triple, nearTriples, 3, data)
}

// short takes a match of n bytes or more at a position that is no farther than near.
func (f *Finder) short(w *walk, position uint32, near, n int, data []byte) {
	distance := w.position - position
	if distance > uint32(min(near, f.config.Window)) {
		return
	}
	at, from := w.at, w.at-int(distance)
	if data[at+n-1] != data[from+n-1] {
		return
	}
	if l := Length(data, at, from, 0, w.limit); l >= n && l > w.longest {
		w.take(l, distance)
	}
}

func (w *walk) take(length int, distance uint32) {
	w.longest = length
	w.found[w.count] = Match{uint32(length), distance}
	w.count++
}

// step looks at the next node and hangs it below the new position. It returns false if the walk
// has ended. It computes its direction without a branch, because the CPU could not predict one.
func (f *Finder) step(w *walk, data []byte) bool {
	distance := w.position - w.node
	if distance > uint32(f.config.Window) || w.left == 0 {
		f.links[w.open[0]], f.links[w.open[1]] = 0, 0
		return false
	}
	w.left--
	slot := w.slot - distance
	if distance > w.slot {
		slot += f.slots
	}
	// Load both links, so that they arrive while the bytes are compared.
	links := f.links[2*slot : 2*slot+2 : 2*slot+2]
	smaller, larger := links[0], links[1]

	i, j, n := w.at, w.at-int(distance), min(w.common[0], w.common[1])
	if x := words.Load(data, i+n) ^ words.Load(data, j+n); x != 0 {
		n += bits.TrailingZeros64(x) >> 3
	} else {
		n = Length(data, i, j, n+8, w.limit)
	}
	if n > w.longest {
		n = min(n, w.limit)
		if n > w.longest {
			w.take(n, distance)
		}
	}
	if n >= w.limit { // the new position takes the node's place
		f.links[w.open[0]], f.links[w.open[1]] = smaller, larger
		return false
	}
	less := (uint32(data[j+n]) - uint32(data[i+n])) >> 31 // 1 if the node is smaller
	side := 1 - less
	f.links[w.open[side&1]] = w.node
	w.open[side&1] = 2*slot + less
	w.common[side&1] = n
	w.node = smaller ^ (smaller^larger)&-less
	return true
}
