//go:build linux

package main

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

var (
	errMachine   = errors.New("is a program for another architecture")
	errTruncated = errors.New("is a truncated ELF program")
	errNoProgram = errors.New("is an ELF file but no program")
)

// machines are the e_machine values (elf.h) that run on this kernel, with the ELF
// class: its own, and the 32-bit one that such a kernel commonly takes.
func machines() []uint32 {
	const class32, class64 = 1 << 16, 2 << 16
	switch runtime.GOARCH {
	case "386":
		return []uint32{class32 | 3}
	case "amd64":
		return []uint32{class64 | 62, class32 | 3}
	case "arm":
		return []uint32{class32 | 40}
	case "arm64":
		return []uint32{class64 | 183, class32 | 40}
	case "loong64":
		return []uint32{class64 | 258}
	case "mips", "mipsle":
		return []uint32{class32 | 8}
	case "mips64", "mips64le":
		return []uint32{class64 | 8, class32 | 8}
	case "ppc64", "ppc64le":
		return []uint32{class64 | 21, class32 | 20}
	case "riscv64":
		return []uint32{class64 | 243, class32 | 243}
	case "s390x":
		return []uint32{class64 | 22, class32 | 22}
	}
	return nil
}

// elfInterpreter checks an ELF header and returns the path in PT_INTERP, "" for a
// static program.
func elfInterpreter(fd int, head []byte) (string, error) {
	const class64, bigEndian = 2, 2 // EI_CLASS, EI_DATA
	if len(head) < 64 {
		return "", errTruncated
	}
	order := byteOrder(head[5] == bigEndian)
	if order != native() || !slices.Contains(machines(), uint32(head[4])<<16|uint32(order.uint(head[18:20]))) {
		return "", errMachine
	}
	is64 := head[4] == class64
	want := uint64(32)             // of e_phentsize
	var offset, size, count uint64 // e_phoff, e_phentsize, e_phnum
	if is64 {
		want = 56
		offset, size, count = order.uint(head[32:40]), order.uint(head[54:56]), order.uint(head[56:58])
	} else {
		offset, size, count = order.uint(head[28:32]), order.uint(head[42:44]), order.uint(head[44:46])
	}
	const executable, shared = 2, 3 // e_type
	if t := order.uint(head[16:18]); t != executable && t != shared || size != want || count == 0 {
		return "", errNoProgram
	}
	table := make([]byte, size*count)
	if err := readAt(fd, table, offset); err != nil {
		return "", err
	}
	const ptInterp = 3
	for ; len(table) > 0; table = table[size:] {
		if order.uint(table[:4]) != ptInterp {
			continue
		}
		var at, length uint64 // p_offset, p_filesz
		if is64 {
			at, length = order.uint(table[8:16]), order.uint(table[32:40])
		} else {
			at, length = order.uint(table[4:8]), order.uint(table[16:20])
		}
		path := make([]byte, min(length, cpio.PathMax))
		if err := readAt(fd, path, at); err != nil {
			return "", err
		}
		name, _, _ := strings.Cut(string(path), "\x00")
		return name, nil
	}
	return "", nil
}

func readAt(fd int, p []byte, offset uint64) error {
	if n, err := syscall.Pread(fd, p, int64(offset)); err != nil || n < len(p) {
		return errTruncated
	}
	return nil
}

// byteOrder is true for big endian. (encoding/binary brings reflection with it.)
type byteOrder bool

func (big byteOrder) uint(b []byte) uint64 {
	var v uint64
	for i := range b {
		if big {
			v = v<<8 | uint64(b[i])
		} else {
			v |= uint64(b[i]) << (8 * i)
		}
	}
	return v
}

func native() byteOrder {
	switch runtime.GOARCH {
	case "mips", "mips64", "ppc64", "s390x":
		return true
	}
	return false
}
