package elfdeps

import (
	"bytes"
	"encoding/binary"
)

// The cache of glibc's loader (sysdeps/generic/dl-cache.h): a header, entries and strings. The
// words have the byte order of the machine.
const (
	cacheMagic = "glibc-ld.so.cache1.1"
	oldMagic   = "ld.so-1.7.0"
	headerSize = 48
	entrySize  = 24
	oldHeader  = 16
	oldEntry   = 12
)

// parseCache returns the paths of libraries by name, as a cache of ldconfig has them. It returns
// none for anything else. Entries for special processors are left out.
func parseCache(text []byte) map[string][]string {
	if bytes.HasPrefix(text, []byte(oldMagic)) && len(text) >= oldHeader {
		// The old format in front of the new one; either byte order.
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			skip := oldHeader + uint64(order.Uint32(text[12:]))*oldEntry
			skip = (skip + 7) &^ 7
			if skip < uint64(len(text)) && bytes.HasPrefix(text[skip:], []byte(cacheMagic)) {
				return parseCache(text[skip:])
			}
		}
		return nil
	}
	if !bytes.HasPrefix(text, []byte(cacheMagic)) || len(text) < headerSize {
		return nil
	}
	var order binary.ByteOrder = binary.LittleEndian
	if n := order.Uint32(text[20:]); uint64(n)*entrySize > uint64(len(text)) {
		order = binary.BigEndian
	}
	n := order.Uint32(text[20:])
	if uint64(n)*entrySize+headerSize > uint64(len(text)) {
		return nil
	}
	at := func(offset uint32) string {
		if uint64(offset) >= uint64(len(text)) {
			return ""
		}
		return cString(text[offset:min(len(text), int(offset)+maxString)])
	}
	libraries := map[string][]string{}
	for i := range int(n) {
		e := text[headerSize+i*entrySize:]
		name, library := at(order.Uint32(e[4:])), at(order.Uint32(e[8:]))
		if hwcap := order.Uint64(e[16:]); hwcap == 0 && name != "" && library != "" {
			libraries[name] = append(libraries[name], library)
		}
	}
	return libraries
}
