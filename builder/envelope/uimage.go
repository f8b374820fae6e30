package envelope

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
)

// uImageHeader is the header of U-Boot's legacy format (include/image.h), all big endian.
type uImageHeader struct {
	Magic     uint32
	HeaderCRC uint32 // of the header with zeros here
	Time      uint32
	Size      uint32 // of the data behind the header
	Load      uint32
	Entry     uint32
	DataCRC   uint32
	OS        uint8
	Arch      uint8
	Type      uint8
	Comp      uint8 // for kernels only: U-Boot passes a ramdisk on unchanged
	Name      [32]byte
}

const (
	uImageMagic      = 0x27051956
	uImageHeaderSize = 64
	uImageLinux      = 5 // OS
	uImageRamdisk    = 3
	uImageMulti      = 4
)

// uImageTypes are the types of the format, as mkimage -T names them.
var uImageTypes = map[uint8]string{
	1: "standalone", 2: "kernel", uImageRamdisk: Ramdisk, uImageMulti: "multi", 5: "firmware", 6: "script",
	7: "filesystem", 8: "flat_dt", 14: "kernel_noload",
}

func openUImage(w *view) (*Envelope, error) {
	b, err := w.bytes(0, uImageHeaderSize)
	if err != nil {
		return nil, cut(err, "the header of a U-Boot uImage")
	}
	var h uImageHeader
	if _, err := binary.Decode(b, binary.BigEndian, &h); err != nil {
		return nil, err
	}
	e := &Envelope{Format: "uImage"}
	blank := bytes.Clone(b)
	clear(blank[4:8])
	if got := crc32.ChecksumIEEE(blank); got != h.HeaderCRC {
		e.damage = append(e.damage, fmt.Sprintf("the crc32 of its header is %08x, not %08x as it says", got, h.HeaderCRC))
	}
	data := sum{
		algorithm: "crc32", want: binary.BigEndian.AppendUint32(nil, h.DataCRC),
		offset: uImageHeaderSize, size: int64(h.Size), of: "its data",
	}
	if h.Type == uImageMulti {
		err = openMulti(e, w, data)
	} else {
		openSingle(e, w, data, &h)
	}
	if err != nil {
		return nil, err
	}
	return e, e.tail(w, data.offset+data.size)
}

// openSingle adds the only part of a uImage, named "0".
func openSingle(e *Envelope, w *view, data sum, h *uImageHeader) {
	word, known := uImageTypes[h.Type]
	if !known {
		word = fmt.Sprintf("number %d", h.Type)
	}
	p := Part{Name: "0", Kind: word, Offset: data.offset, Size: data.size, sums: []sum{data}}
	if h.Type == uImageRamdisk {
		e.ramdisk = "0"
		if h.OS != uImageLinux {
			p.warn("uimage-os", "its os is number %d: U-Boot loads a ramdisk only if that is 5, linux", h.OS)
		}
	} else {
		e.missing = fmt.Sprintf("a uImage of type %s, not ramdisk: U-Boot passes nothing in it to the kernel as an initramfs\n"+
			"  read its content anyway: IMAGE@0", word)
	}
	e.add(w, p)
}

// uImageParts is the largest number of parts of a uImage. The sizes of the parts are read at
// once.
const uImageParts = 1000

// openMulti adds the parts of a multi-file uImage, named by their numbers. Their sizes come
// first, with a zero behind the last. Each part begins at a multiple of 4 of the data. U-Boot
// takes number 0 as the kernel, 1 as the ramdisk and 2 as the device tree.
func openMulti(e *Envelope, w *view, data sum) error {
	var sizes []uint32
	table := newView(w.r, data.offset, min(data.size, w.size-data.offset))
	for i := int64(0); ; i++ {
		b, err := table.bytes(4*i, 4)
		if err != nil {
			return cut(err, "the table of sizes of a multi-file uImage")
		}
		size := binary.BigEndian.Uint32(b)
		if size == 0 {
			break
		}
		if i == uImageParts {
			return fmt.Errorf("a multi-file uImage with more than %d parts", uImageParts)
		}
		sizes = append(sizes, size)
	}
	at := 4 * int64(len(sizes)+1)
	for i, size := range sizes {
		kind := "part"
		if i < 3 {
			kind = []string{"kernel", Ramdisk, "flat_dt"}[i]
		}
		p := Part{Name: strconv.Itoa(i), Kind: kind, Offset: data.offset + at, Size: int64(size), sums: []sum{data}}
		if end := at + int64(size); end > data.size {
			p.damage = append(p.damage, fmt.Sprintf("part %d ends at byte %d of the data, which has %d", i, end, data.size))
			p.Size = max(0, data.size-at)
		}
		e.add(w, p)
		at += (int64(size) + 3) &^ 3
	}
	if len(sizes) > 1 {
		e.ramdisk = "1"
	} else {
		e.missing = "a multi-file uImage without a part 1, which is the ramdisk"
	}
	return nil
}
