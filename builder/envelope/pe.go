package envelope

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// peParts bounds the sections that are kept.
const peParts = 1000

// openPE opens a PE program with a section .initrd, which systemd-stub gives to the kernel
// (UAPI.5, Unified Kernel Image). Sections behind a section .profile belong to that profile
// only. Profiles are counted from 0, and the stub boots profile 0 by default. A profile without
// an .initrd of its own uses the one in front of all profiles.
//
// The PE format has no checksums of sections.
func openPE(w *view) (*Envelope, error) {
	b, err := w.bytes(0x3c, 4)
	if err == errCut {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	at := int64(binary.LittleEndian.Uint32(b))
	b, err = w.bytes(at, 24) // signature and COFF header
	if err == errCut || err == nil && string(b[:4]) != "PE\x00\x00" {
		return nil, nil // a program for DOS, or a kernel
	}
	if err != nil {
		return nil, err
	}
	sections := int64(binary.LittleEndian.Uint16(b[6:]))
	table := at + 24 + int64(binary.LittleEndian.Uint16(b[20:]))
	e := &Envelope{Format: "PE program", aliases: map[string]string{}}
	profiles := 0
	for i := range sections {
		b, err := w.bytes(table+40*i, 40)
		if err != nil {
			return nil, cut(err, "the section table of a PE program")
		}
		switch name := strings.TrimRight(string(b[:8]), "\x00"); {
		case name == ".profile":
			profiles++
		case name != ".initrd" && name != ".ucode":
		case len(e.Parts) == peParts:
			return nil, fmt.Errorf("a PE program with more than %d sections %s", peParts, name)
		default:
			addSection(e, w, name, profiles, b)
		}
	}
	if !chooseSection(e, profiles) {
		return nil, nil
	}
	return e, nil
}

// addSection adds a section with the header b. In a profile, the part's name gets the profile's
// number. The first section with a name counts.
func addSection(e *Envelope, w *view, name string, profiles int, b []byte) {
	if profiles > 0 {
		name += "-" + strconv.Itoa(profiles-1)
	}
	if e.part(name) != nil {
		e.warn("pe-section-again", "a second section %s, which systemd-stub does not read", name)
		return
	}
	size, raw := binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[16:])
	if size == 0 || size > raw {
		size = raw // no size in memory: the size in the file counts, which is the upper bound anyway
	}
	e.add(w, Part{Name: name, Kind: Ramdisk, Offset: int64(binary.LittleEndian.Uint32(b[20:])), Size: int64(size)})
}

// chooseSection finds the .initrd of profile 0 and names the .initrd of each profile. It
// reports whether there is an .initrd at all.
func chooseSection(e *Envelope, profiles int) bool {
	found := false
	for i := range min(profiles, peParts) {
		number := strconv.Itoa(i)
		for _, name := range []string{".initrd-" + number, ".initrd"} {
			if e.part(name) != nil {
				e.aliases[number], found = name, true
				break
			}
		}
	}
	e.ramdisk = e.aliases["0"]
	if profiles == 0 && e.part(".initrd") != nil {
		e.ramdisk, found = ".initrd", true
	}
	e.missing = "profile 0 of the PE program has no section .initrd"
	return found
}
