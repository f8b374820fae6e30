package lz

import "github.com/mkinitfs/mkinitfs/compress/words"

const (
	batchSize  = 1024 // positions
	pairBits   = 16
	tripleBits = 16
	shortest   = 4 // bytes that all positions of a tree share
)

// rootBits returns the number of bits in the hash of 4 bytes. On average some two positions of
// a window share a tree.
func rootBits(c Config) int {
	bits := 16
	for 2<<bits < c.Window && bits < 24 {
		bits++
	}
	return bits
}

// batch holds positions that have been looked up at once, and their matches.
type batch struct {
	first, next int // index of the first one, and of the first one behind
	heads       [batchSize]heads
	where       [batchSize]span // in found
	found       []Match
	walks       [2]walk
}

// heads are the newest earlier positions with the same hashes as a position.
type heads struct{ pair, triple, root uint32 }

type span struct{ begin, end uint32 }

func (b *batch) reset(c Config) {
	b.first, b.next = 1, 1
	for i := range b.walks {
		b.walks[i].found = grow(b.walks[i].found, min(c.Depth+2, c.Nice))
	}
}

// Matches returns the matches at index i of Data, longer ones behind shorter ones and each
// the nearest of its length. The indices of calls must not decrease, and the slice is valid
// until the next call or Fill. A position with less than 4 bytes behind it has no matches.
func (f *Finder) Matches(i int) []Match {
	b := &f.batch
	for i >= b.next {
		f.look()
	}
	at := b.where[i-b.first]
	return b.found[at.begin:at.end]
}

// look looks up the next positions.
func (f *Finder) look() {
	b := &f.batch
	b.first = b.next
	n := min(batchSize, len(f.Data)-b.first)
	b.next += n
	b.found = b.found[:0]
	whole := max(0, min(n, len(f.Data)-b.first-shortest+1))
	f.hash(whole)
	f.walk(whole)
	clear(b.where[whole:n])
}

// hash notes the heads of the first n positions and makes each the head of what follows.
func (f *Finder) hash(n int) {
	const spread = 0x9e3779b1 // 2^32 by the golden ratio, so that the product's highest bits depend on all
	data := f.Data[:len(f.Data)+slack]
	pairs, triples, roots := f.pairs[:1<<pairBits], f.triples[:1<<tripleBits], f.roots
	at := f.batch.first
	position := f.base + uint32(at)
	list := f.batch.heads[:n]
	for i := range list {
		v := uint32(words.Load(data, at+i))
		pair, triple, root := v%(1<<pairBits), v<<8*spread>>(32-tripleBits), v*spread>>(f.shift&31)
		list[i] = heads{pairs[pair], triples[triple], roots[root]}
		pairs[pair], triples[triple], roots[root] = position, position, position
		position++
	}
}

// walk looks the first n positions up in their trees, two at a time. Two trees have no node in
// common. The walk down a tree begins only when the walk of its root has ended.
func (f *Finder) walk(n int) {
	b := &f.batch
	data := f.Data[:len(f.Data)+slack]
	for next, busy := 0, 0; busy > 0 || next < n; {
		for k := range b.walks {
			w := &b.walks[k]
			if !w.busy {
				other := &b.walks[1-k]
				if next == n || other.busy && other.position == b.heads[next].root {
					continue
				}
				f.begin(w, next, data)
				next++
				busy++
			}
			if w.busy = f.step(w, data); !w.busy {
				busy--
				begin := uint32(len(b.found))
				b.found = append(b.found, w.found[:w.count]...)
				b.where[w.index] = span{begin, uint32(len(b.found))}
			}
		}
	}
}
