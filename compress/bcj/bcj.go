// Package bcj reverses the filters that xz applies to machine code before it compresses it.
//
// Calls and jumps hold a distance, so two calls of one function differ. A filter replaces the
// distance by the target, which compresses better. To reverse that, the position of each
// instruction must be known. Section 5.3.2 of https://tukaani.org/xz/xz-file-format.txt
// describes the filters. Each recognizes instructions by a few bits, in code or not, so only
// the exact reversal restores the data.
//
//	bcj.go    the table of filters and the reader
//	words.go  instructions of four bytes: PowerPC, ARM, SPARC, ARM64
//	x86.go, thumb.go, riscv.go
//
// Only host tools are linked with this package; boot stubs read streams without filters.
package bcj

import "io"

// Filter is a row of the table.
type Filter struct {
	ID     byte   // as a block's header has it
	Name   string // as xz and the kernel spell it
	Config string // the kernel's option
	Since  string // the first release of Linux with it, "" if all have it that matter
	Align  uint32 // a start offset is a multiple of it

	// decode reverses the filter in b, which begins at address pos, and returns how many bytes
	// are done. The others need more input. state is 0 at first and is kept between calls.
	decode func(b []byte, pos uint32, state *uint32) int
}

// filters lacks IA-64 (6), which no kernel in use has, and Delta (3), which is not for code.
var filters = [...]Filter{
	{ID: 4, Name: "x86", Config: "CONFIG_XZ_DEC_X86", Align: 1, decode: x86},
	{ID: 5, Name: "PowerPC", Config: "CONFIG_XZ_DEC_POWERPC", Align: 4, decode: powerpc},
	{ID: 7, Name: "ARM", Config: "CONFIG_XZ_DEC_ARM", Align: 4, decode: arm},
	{ID: 8, Name: "ARM-Thumb", Config: "CONFIG_XZ_DEC_ARMTHUMB", Align: 2, decode: thumb},
	{ID: 9, Name: "SPARC", Config: "CONFIG_XZ_DEC_SPARC", Align: 4, decode: sparc},
	{ID: 10, Name: "ARM64", Config: "CONFIG_XZ_DEC_ARM64", Since: "6.12", Align: 4, decode: arm64},
	{ID: 11, Name: "RISC-V", Config: "CONFIG_XZ_DEC_RISCV", Since: "6.12", Align: 2, decode: riscv},
}

// Lookup returns the filter with an ID, or nil.
func Lookup(id uint64) *Filter {
	for i := range filters {
		if f := &filters[i]; uint64(f.ID) == id {
			return f
		}
	}
	return nil
}

// NewReader returns a reader of the data of r with the filter reversed. The first byte has the
// address start.
func (f *Filter) NewReader(r io.Reader, start uint32) io.Reader {
	return &reader{r: r, filter: f, pos: start}
}

type reader struct {
	r      io.Reader
	filter *Filter
	pos    uint32 // of what is not done
	state  uint32
	err    error // what Read returns when all is read

	buf             [32 << 10]byte
	next, done, end int // in buf: what is read next, what is done, what is there
}

func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for r.next == r.done {
		if r.err != nil {
			return 0, r.err
		}
		r.fill()
	}
	n := copy(p, r.buf[r.next:r.done])
	r.next += n
	return n, nil
}

// fill reads once. The last bytes of the data stay unchanged, because the filter does not see
// a whole instruction there.
func (r *reader) fill() {
	r.end = copy(r.buf[:], r.buf[r.done:r.end])
	var n int
	n, r.err = r.r.Read(r.buf[r.end:])
	r.end += n
	r.next = 0
	r.done = r.filter.decode(r.buf[:r.end], r.pos, &r.state)
	r.pos += uint32(r.done)
	if r.err != nil {
		r.done = r.end
	}
}
