// Package lz finds repetitions in data. A match of a position is an earlier run of bytes,
// within a window, that equals the bytes at the position. All encoders of this family need this
// search, and it takes most of their time. The encoder decides which matches to use, because
// only it knows what they cost.
//
// A match of four bytes or more is found in a binary tree. All positions that begin with the
// same four bytes (the same hash of them) are in one tree, sorted by the bytes that follow. The
// newest position is the root and parents are newer than their children. To look a position up
// is to insert it: walking down from the root, what is smaller is hung below it on one side and
// what is larger on the other, and the walk passes those neighbours that have most bytes in
// common with it. The walk ends at the window's end, at Depth nodes, or where Nice bytes are
// the same. Matches of two and three bytes pay only if they are near, so one position for each
// hash is enough.
//
// A walk is a chain of memory accesses that miss the CPU's caches. The finder therefore looks
// up 1024 positions at once: first all their hashes, then all walks, two at a time in turn.
// While one walk waits for memory, the other goes on.
//
//	lz.go      what an encoder sees
//	window.go  the bytes: what is still in reach, and what is to come
//	batch.go   looking up many positions
//	tree.go    walking down one tree
//
// The matches depend on the data and on [Config] alone, not on the size of writes, on the
// machine, or on what a [Finder] did before.
package lz

// Match is an earlier run of the same bytes.
type Match struct {
	Length   uint32 // bytes, 2 to Config.Nice
	Distance uint32 // how far back it begins, from 1 on
}

// Config sets the limits of the search.
type Config struct {
	Window int // the largest distance, from 1 on
	Nice   int // the length of a match at which the search ends
	Depth  int // nodes of a tree that are looked at, from 1 on
}

// Ahead is the number of bytes, in addition to Config.Nice, that must be known behind a
// position. With fewer bytes its matches could differ from those in the whole data, because
// many positions are looked up at once.
const Ahead = batchSize

// Distances at which short matches are still found. At larger ones they cost more than the
// literals they replace, as a rule, and offering them to an encoder leads it astray.
const (
	nearPairs   = 512
	nearTriples = 32 << 10
)

// Finder finds matches in the data of Fill. An encoder reads Data, moves At on and calls
// Matches. The zero value waits for Reset.
type Finder struct {
	// Data is what is in reach: up to Config.Window bytes before At, and at least 64 KiB,
	// or all there is; and what is to be encoded. A byte 0 stands before the first one.
	// Eight bytes more may be read behind its end.
	Data []byte
	// At is the index in Data of the next byte to be encoded.
	At int

	config Config
	buffer []byte // of Data
	keep   int    // bytes before At that stay
	base   uint32 // position of Data[0]; positions grow from byte to byte, indices shrink when Data is moved
	last   uint32 // the base at which positions begin anew

	pairs, triples, roots []uint32 // the newest position, by the hash of the 2, 3 and 4 bytes there
	shift                 int      // of the hash of 4 bytes
	links                 []uint32 // two for each slot: the roots of the subtrees with what is smaller and larger
	slots, slot           uint32   // their number, which the positions go round in; the next one's

	batch batch
}

// Reset makes f look for matches in new data. It reuses what f has allocated.
func (f *Finder) Reset(c Config) {
	f.config = c
	f.keep = max(c.Window, minKeep)
	size := bufferSize(c)
	f.buffer = grow(f.buffer, size)
	f.Data = append(f.buffer[:0:size], 0)
	f.At = 1
	bits := rootBits(c)
	f.shift = 32 - bits
	f.pairs = grow(f.pairs, 1<<pairBits)
	f.triples = grow(f.triples, 1<<tripleBits)
	f.roots = grow(f.roots, 1<<bits)
	f.slots, f.slot = uint32(c.Window)+batchSize, 0
	f.links = grow(f.links, int(2*f.slots))
	f.last = 1 << 31
	f.batch.reset(c)
	f.forget()
}

// forget restarts the positions. All matches so far are out of reach.
func (f *Finder) forget() {
	clear(f.pairs)
	clear(f.triples)
	clear(f.roots)
	f.base = uint32(f.config.Window) + 1 // so that 0 is out of reach of all positions
}

// Memory returns the number of bytes that a Finder allocates.
func Memory(c Config) int64 {
	const positions = 4
	links := 2 * (int64(c.Window) + batchSize)
	heads := int64(1<<pairBits + 1<<tripleBits + 1<<rootBits(c))
	return positions*(links+heads) + int64(bufferSize(c))
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
