// Package earlyfile checks the files that the kernel reads from the start of an initramfs:
// microcode and ACPI tables. The kernel ignores a file that fails these checks, often without a
// word.
package earlyfile

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Where the kernel looks for microcode (ucode_path in arch/x86/kernel/cpu/microcode).
const (
	Intel = "kernel/x86/microcode/GenuineIntel.bin"
	AMD   = "kernel/x86/microcode/AuthenticAMD.bin"
)

var word = binary.LittleEndian.Uint32

// Microcode returns the path in the archive for a file of microcode, which is [Intel] or [AMD].
// Files for one path can be concatenated.
func Microcode(data []byte) (string, error) {
	switch {
	case len(data) == 0:
		return "", errors.New("empty file")
	case len(data) >= 4 && word(data) == amdMagic:
		return AMD, containers(data)
	case len(data) >= intelHeader && word(data[20:]) == 1: // the revision of the loader
		return Intel, updates(data)
	}
	return "", fmt.Errorf("no microcode of Intel or AMD: begins with %q", data[:min(len(data), 8)])
}

// Sizes in microcode of Intel (arch/x86/include/asm/microcode.h), in bytes.
const (
	intelHeader  = 48
	intelData    = 2000 // if the header has none
	extHeader    = 20
	extSignature = 12
)

// updates checks a run of updates for processors of Intel, as intel_microcode_sanity_check of the
// kernel does. One wrong byte makes the kernel ignore all of them.
func updates(data []byte) error {
	for at := 0; at < len(data); {
		size, err := update(data[at:])
		if err != nil {
			return fmt.Errorf("microcode of Intel, update at byte %d: %w", at, err)
		}
		at += size
	}
	return nil
}

// update checks the update at the start of data, and returns its size.
func update(data []byte) (int, error) {
	if len(data) < intelHeader {
		return 0, fmt.Errorf("want a header of %d bytes, got %d bytes", intelHeader, len(data))
	}
	body, total := uint64(word(data[28:])), uint64(word(data[32:]))
	if body == 0 {
		body, total = intelData, intelHeader+intelData
	}
	end := intelHeader + body // of what the first sum covers
	switch {
	case word(data) != 1 || word(data[20:]) != 1:
		return 0, fmt.Errorf("want version 1 of header and loader, got %d and %d", word(data), word(data[20:]))
	case body%4 != 0 || total%4 != 0 || total < end:
		return 0, fmt.Errorf("the header says %d bytes of data in %d bytes", body, total)
	case total > uint64(len(data)):
		return 0, fmt.Errorf("the header says %d bytes, of which the file has %d", total, len(data))
	case sum(data[:end]) != 0:
		return 0, errors.New("wrong checksum")
	}
	if total > end {
		if err := signatures(data, data[end:total]); err != nil {
			return 0, err
		}
	}
	return int(total), nil
}

// signatures checks the table of further processors behind an update. Each of them has a sum with
// which it could replace the processor in the header.
func signatures(header, table []byte) error {
	if len(table) < extHeader || uint64(len(table)) != extHeader+uint64(word(table))*extSignature {
		return fmt.Errorf("the table of further processors does not fit into %d bytes", len(table))
	}
	if sum(table) != 0 {
		return errors.New("wrong checksum of the table of further processors")
	}
	own := word(header[12:]) + word(header[24:]) + word(header[16:])
	for s := table[extHeader:]; len(s) > 0; s = s[extSignature:] {
		if sum(s[:extSignature]) != own {
			return fmt.Errorf("wrong checksum of further processor %#x", word(s))
		}
	}
	return nil
}

func sum(data []byte) (sum uint32) {
	for ; len(data) > 0; data = data[4:] {
		sum += word(data)
	}
	return sum
}

// Of microcode of AMD (arch/x86/kernel/cpu/microcode/amd.c).
const (
	amdMagic     = 0x00414d44
	amdTable     = 0 // type of the section with the table of processors
	amdPatch     = 1 // type of a section with a patch
	amdContainer = 12
	amdSection   = 8
	amdProcessor = 16
	amdHeader    = 64 // of a patch
)

// containers checks a run of containers for processors of AMD: a table of processors, then
// patches.
func containers(data []byte) error {
	for at := 0; at < len(data); {
		size, err := container(data[at:])
		if err != nil {
			return fmt.Errorf("microcode of AMD, container at byte %d: %w", at, err)
		}
		at += size
	}
	return nil
}

// container checks the container at the start of data, and returns its size.
func container(data []byte) (int, error) {
	if len(data) < amdContainer {
		return 0, fmt.Errorf("want a header of %d bytes, got %d bytes", amdContainer, len(data))
	}
	table := uint64(word(data[8:]))
	switch {
	case word(data) != amdMagic:
		return 0, fmt.Errorf("begins with %q", data[:4])
	case word(data[4:]) != amdTable:
		return 0, fmt.Errorf("want a table of processors (type %d), got type %d", amdTable, word(data[4:]))
	case table < amdProcessor || table > uint64(len(data)-amdContainer):
		return 0, fmt.Errorf("the table of processors has %d bytes, of which the file has %d", table, len(data)-amdContainer)
	}
	at := amdContainer + int(table)
	for patches := 0; ; patches++ {
		rest := data[at:]
		if patches > 0 && (len(rest) == 0 || len(rest) >= 4 && word(rest) == amdMagic) {
			return at, nil
		}
		if len(rest) < amdSection {
			return 0, fmt.Errorf("want a patch behind %d bytes, got %d bytes", at, len(rest))
		}
		switch size := uint64(word(rest[4:])); {
		case word(rest) != amdPatch:
			return 0, fmt.Errorf("want a patch (type %d) behind %d bytes, got type %d", amdPatch, at, word(rest))
		case size < amdHeader || size > uint64(len(rest)-amdSection):
			return 0, fmt.Errorf("the patch behind %d bytes has %d bytes, of which the file has %d", at, size, len(rest)-amdSection)
		default:
			at += amdSection + int(size)
		}
	}
}
