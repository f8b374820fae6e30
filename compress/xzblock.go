package compress

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mkinitfs/mkinitfs/compress/bcj"
)

// xzBlock is the header of a block: section 3.1 of the specification.
type xzBlock struct {
	header       int64 // bytes of the header
	packed, size int64 // bytes of the chunks, packed and unpacked, or -1
	filter       *bcj.Filter
	start        uint32 // the address of the filter's first byte
	dictionary   int64
}

// xzBlockSize returns the length of a block's header from its first byte.
func xzBlockSize(b byte) int { return (int(b) + 1) * 4 }

// parseXZBlock parses the header of a block without looking at its sum. Kernels take LZMA2
// (33) and one filter before it (lib/xz/xz_dec_stream.c). A dictionary that is too large
// to be allocated is an error.
func parseXZBlock(header []byte) (xzBlock, error) {
	k := xzBlock{header: int64(len(header)), packed: -1, size: -1}
	p := xzFields{b: header[2 : len(header)-4]}
	flags := header[1]
	if flags&0x40 != 0 {
		k.packed = int64(p.number())
	}
	if flags&0x80 != 0 {
		k.size = int64(p.number())
	}
	if flags&0x3c != 0 {
		return k, errors.New("corrupt block header")
	}
	filters := int(flags&3) + 1
	for i := range filters {
		id, properties := p.number(), p.bytes(p.number())
		if p.short {
			break
		}
		if i == filters-1 {
			return k, k.parseLZMA2(id, properties, p.b)
		}
		if err := k.parseFilter(id, properties, filters); err != nil {
			return k, err
		}
	}
	return k, errors.New("corrupt block header")
}

func (k *xzBlock) parseLZMA2(id uint64, properties, padding []byte) error {
	const lzma2 = 0x21
	if id != lzma2 {
		return fmt.Errorf("%s as the last filter, where LZMA2 has to be", xzFilterName(id))
	}
	for _, b := range padding {
		if b != 0 {
			return errors.New("corrupt block header")
		}
	}
	if len(properties) != 1 || properties[0] > xzMostCode {
		return errors.New("corrupt block header")
	}
	k.dictionary = xzDictionary(properties[0])
	if k.dictionary > maxWindow {
		return tooLarge("dictionary", k.dictionary)
	}
	return nil
}

func (k *xzBlock) parseFilter(id uint64, properties []byte, filters int) error {
	k.filter = bcj.Lookup(id)
	switch {
	case k.filter == nil:
		return fmt.Errorf("%s, which mkinitfs does not read (xz -dc does)", xzFilterName(id))
	case filters > 2:
		return fmt.Errorf("%d filters before LZMA2, and kernels take one", filters-1)
	case len(properties) == 4:
		k.start = binary.LittleEndian.Uint32(properties)
	case len(properties) != 0:
		return errors.New("corrupt block header")
	}
	if k.start%k.filter.Align != 0 {
		return fmt.Errorf("%s filter with start offset %d, which is not a multiple of %d", k.filter.Name, k.start, k.filter.Align)
	}
	return nil
}

// note tells which kernels take such a block.
func (k *xzBlock) note(n *notes) {
	n.window(k.dictionary)
	f := k.filter
	switch {
	case f == nil:
		return
	case k.start != 0:
		n.add(NoteRefused, f.Name+" filter with a start offset: no kernel takes it")
	case f.Since != "":
		n.add(NoteVersion, fmt.Sprintf("%s filter: only kernels since Linux %s with %s take it", f.Name, f.Since, f.Config))
	default:
		n.add(NoteConfig, fmt.Sprintf("%s filter: only kernels with %s take it", f.Name, f.Config))
	}
}

// xzFilterName names a filter that is not in the table of [bcj].
func xzFilterName(id uint64) string {
	switch id {
	case 3:
		return "Delta filter"
	case 6:
		return "IA-64 filter"
	case 0x21:
		return "LZMA2"
	}
	if f := bcj.Lookup(id); f != nil {
		return f.Name + " filter"
	}
	return fmt.Sprintf("filter number %#x", id)
}

// xzFields reads the fields of a header one after the other.
type xzFields struct {
	b     []byte
	short bool // there was less than was asked for
}

func (p *xzFields) number() uint64 {
	v, n := xzNumber(p.b)
	p.short = p.short || n == 0
	p.b = p.b[n:]
	return v
}

func (p *xzFields) bytes(n uint64) []byte {
	if n > uint64(len(p.b)) {
		p.short, n = true, 0
	}
	b := p.b[:n]
	p.b = p.b[n:]
	return b
}
