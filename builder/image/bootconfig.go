package image

import (
	"bytes"
	"encoding/binary"
	"io"
)

// A boot configuration behind an initramfs is text, then its length and the sum of its bytes
// in 32 bits each, then a magic. Every kernel since 5.6 removes it, even one that is not built
// to read it. A boot loader may have padded the image to a multiple of 4 afterwards
// (get_boot_config_from_initrd in init/main.c; admin-guide/bootconfig.rst).
const (
	bootConfigMagic   = "#BOOTCONFIG\n"
	bootConfigTrailer = 8 + len(bootConfigMagic)
	bootConfigPadding = 3
)

// bootConfig returns how many bytes at the end of the image f belong to a boot configuration,
// including its padding. It returns 0 if the length or the sum is wrong.
func bootConfig(f *imageFile) int64 {
	end := make([]byte, min(f.size, int64(bootConfigTrailer+bootConfigPadding)))
	if _, err := f.ReadAt(end, f.begin+f.size-int64(len(end))); err != nil && err != io.EOF {
		return 0
	}
	size, want, padding, ok := bootConfigEnd(end)
	total := size + int64(bootConfigTrailer+padding)
	if !ok || total > f.size {
		return 0
	}
	text := io.NewSectionReader(f, f.begin+f.size-total, size)
	if sum, err := sumBytes(text); err != nil || sum != want {
		return 0
	}
	return total
}

// bootConfigAhead is bootConfig for an image that can only be read from start to end. r stands
// behind the last archive and its zeros, some of which may belong to the boot configuration.
// It returns the length if nothing else follows.
func bootConfigAhead(r *skipReader, zeros int64) int64 {
	b, err := r.Peek(r.Size())
	if err != io.EOF {
		return 0
	}
	zeros = min(zeros, int64(bootConfigTrailer))
	rest := int64(len(b))
	b = append(make([]byte, zeros), b...)
	size, want, padding, ok := bootConfigEnd(b)
	total := size + int64(bootConfigTrailer+padding)
	if !ok || total < rest || total > int64(len(b)) {
		return 0
	}
	if sum, err := sumBytes(bytes.NewReader(b[int64(len(b))-total:][:size])); err != nil || sum != want {
		return 0
	}
	return total
}

// bootConfigEnd reads the length, the sum and the magic from the end of an image.
func bootConfigEnd(end []byte) (size int64, sum uint32, padding int, ok bool) {
	for padding := 0; padding <= bootConfigPadding && len(end) >= bootConfigTrailer+padding; padding++ {
		t := end[len(end)-bootConfigTrailer-padding:]
		if string(t[8:bootConfigTrailer]) == bootConfigMagic {
			return int64(binary.LittleEndian.Uint32(t)), binary.LittleEndian.Uint32(t[4:]), padding, true
		}
	}
	return 0, 0, 0, false
}

func sumBytes(r io.Reader) (uint32, error) {
	var sum uint32
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		for _, c := range buf[:n] {
			sum += uint32(c)
		}
		if err == io.EOF {
			return sum, nil
		}
		if err != nil {
			return 0, err
		}
	}
}
