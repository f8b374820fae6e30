// Package lzma2 encodes LZMA2, the format in the blocks of xz, in as few bytes as xz itself
// and in the same time. Its decoder is in package xz, which the boot stub is linked with.
//
// LZMA describes data by symbols: a literal, which is a byte; a match, which is a length and a
// distance; and a match at one of the last four distances, which costs next to nothing. The
// bits of a symbol go through a range coder, which spends less on a bit the better a model has
// predicted it. The model consists of some thousand probabilities. The kinds of the previous
// symbols, the position and, for literals, the previous byte choose among them. They adapt with
// each bit.
//
// So no symbol has a fixed price, and always taking the longest match is not the cheapest way
// to describe data. The encoder asks package lz for all matches at each position, and plans up
// to 4096 bytes ahead: the cheapest way to each position is the cheapest of all ways to an
// earlier one and a symbol from there. The prices are the model's of the moment.
//
// LZMA2 cuts the output into chunks of at most 64 KiB. A chunk that would not shrink is stored
// raw.
//
//	lzma2.go   the writer that a caller sees
//	chunk.go   chunks
//	symbol.go  how a symbol is coded
//	model.go   the probabilities
//	coder.go   the range coder
//	parse.go   what symbols can come next, and what that costs
//	path.go    the cheapest way
//	price.go   prices by the model
//
// The encoder uses integers only, so the same data and [Options] give the same bytes on every
// machine.
package lzma2

import (
	"io"

	"github.com/mkinitfs/mkinitfs/compress/lz"
)

// Options are the settings of an encoder.
type Options struct {
	Dictionary int   // bytes that a match may reach back and a decoder has to hold, from 4096 on
	Size       int64 // of the data, 0 if unknown; memory for more is not needed
	Nice       int   // the length at which a match is good enough, 2 to 273
	Depth      int   // how many earlier positions are compared with each one, from 1 on

	// How many bits choose a literal's model: of the byte before (lc, 0 to 4) and of the
	// position (lp, 0 to 4), 4 together at most; and of the position for all other models (pb,
	// 0 to 4).
	LC, LP, PB int
}

func (o Options) finder() lz.Config {
	c := lz.Config{Window: o.Dictionary, Nice: o.Nice, Depth: o.Depth}
	if 0 < o.Size && o.Size < int64(c.Window) {
		c.Window = int(o.Size)
	}
	return c
}

// Memory returns the number of bytes that an Encoder allocates.
func Memory(o Options) int64 {
	const own = 1 << 20 // the path, the model, a chunk
	return lz.Memory(o.finder()) + own
}

// Encoder writes chunks. The zero value waits for Reset.
type Encoder struct {
	w      io.Writer
	err    error
	nice   int
	finder lz.Finder
	done   uint64 // bytes that are encoded
	chunk  int    // of them in the chunk
	reset  reset

	coder  coder
	model  model
	prices prices
	path   path

	state        state
	repeats      [4]uint32 // the last distances
	contextBits  uint32    // lc
	literalMask  uint32    // of the lowest lp bits
	positionMask uint32    // of the lowest pb bits
	properties   byte      // the three of them
	header       [6]byte   // of a chunk
}

// ahead is the number of known bytes that encoding waits for, so that no choice depends on the
// size of writes.
const ahead = horizon + lz.Ahead + 2*maxLength + 2

// Reset makes e encode new data to w. It reuses what e has allocated.
func (e *Encoder) Reset(w io.Writer, o Options) {
	e.w, e.err, e.nice = w, nil, o.Nice
	e.finder.Reset(o.finder())
	e.contextBits, e.literalMask, e.positionMask = uint32(o.LC), 1<<o.LP-1, 1<<o.PB-1
	e.properties = byte((o.PB*5+o.LP)*9 + o.LC)
	e.done, e.chunk, e.reset = 0, 0, resetDictionary
	e.resetModel()
	e.coder.begin()
}

func (e *Encoder) resetModel() {
	e.model.reset()
	e.prices.reset()
	e.state, e.repeats = 0, [4]uint32{1, 1, 1, 1}
}

// Write encodes p. Once the underlying writer has failed, it returns that error.
func (e *Encoder) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) && e.err == nil {
		n += e.finder.Fill(p[n:])
		e.encode(ahead)
	}
	return n, e.err
}

// Close encodes what is left and ends the chunks. It does not close the underlying writer.
func (e *Encoder) Close() error {
	e.encode(1)
	if e.chunk > 0 {
		e.endChunk()
	}
	e.write(append(e.header[:0], endOfBlock))
	return e.err
}

// encode encodes as long as so many bytes are known.
func (e *Encoder) encode(ahead int) {
	f := &e.finder
	for len(f.Data)-f.At >= ahead && e.err == nil {
		if e.done == 0 { // there is nothing that a match could repeat
			e.symbol(symbol{length: 1})
			continue
		}
		for _, s := range e.parse() {
			e.symbol(s)
		}
	}
}
