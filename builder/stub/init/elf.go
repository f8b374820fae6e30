//go:build linux

package main

import (
	"errors"
	"runtime"
	"strings"
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

var (
	errMachine   = errors.New("is a program for another architecture")
	errTruncated = errors.New("is a truncated ELF program")
	errNoProgram = errors.New("is an ELF file but no program")
)

// headers returns what the ELF headers of programs contain that a kernel for goarch runs:
// EI_CLASS, EI_DATA and the two bytes of e_machine (elf.h). It lists the machine itself and
// the 32-bit machine that such a kernel commonly runs too, as elf_check_arch and
// compat_elf_check_arch of the kernel's ports do.
//
// Package internal/arch knows the same for the host. It stays apart because package
// debug/elf costs more than the whole stub may grow; a test holds the two together. The
// compiler knows the result for runtime.GOARCH.
func headers(goarch string) string {
	switch goarch {
	case "386":
		return "\x01\x01\x03\x00" + "\x01\x01\x06\x00" // EM_386, EM_486
	case "amd64":
		return "\x02\x01\x3e\x00" + "\x01\x01\x3e\x00" + "\x01\x01\x03\x00" + "\x01\x01\x06\x00" // x32 is the second
	case "arm":
		return "\x01\x01\x28\x00"
	case "arm64":
		return "\x02\x01\xb7\x00" + "\x01\x01\x28\x00"
	case "loong64":
		return "\x02\x01\x02\x01"
	case "mips":
		return "\x01\x02\x00\x08"
	case "mipsle":
		return "\x01\x01\x08\x00"
	case "mips64":
		return "\x02\x02\x00\x08" + "\x01\x02\x00\x08"
	case "mips64le":
		return "\x02\x01\x08\x00" + "\x01\x01\x08\x00"
	case "ppc64":
		return "\x02\x02\x00\x15" + "\x01\x02\x00\x14"
	case "ppc64le":
		return "\x02\x01\x15\x00" + "\x01\x01\x14\x00"
	case "riscv64":
		return "\x02\x01\xf3\x00" + "\x01\x01\xf3\x00"
	case "s390x":
		return "\x02\x02\x00\x16" + "\x01\x02\x00\x16"
	}
	return ""
}

// flags returns the offset of the byte of e_flags with EF_MIPS_ABI2, which marks a program for
// n32. Only 64-bit machines run those: for them, and for other architectures, flags returns 0.
func flags(goarch string) int {
	switch goarch {
	case "mips":
		return 39
	case "mipsle":
		return 36
	}
	return 0
}

// runs reports whether an ELF file that begins with head has one of headers, without
// EF_MIPS_ABI2 at flags.
func runs(headers string, flags int, head []byte) bool {
	const abi2 = 0x20
	if flags > 0 && head[flags]&abi2 != 0 {
		return false
	}
	for h := headers; h != ""; h = h[4:] {
		if h[0] == head[4] && h[1] == head[5] && h[2] == head[18] && h[3] == head[19] {
			return true
		}
	}
	return false
}

// elfInterpreter checks an ELF header and returns the path in PT_INTERP, "" for a
// static program.
func elfInterpreter(fd int, head []byte) (string, error) {
	const class64 = 2 // EI_CLASS
	if len(head) < 64 {
		return "", errTruncated
	}
	if !runs(headers(runtime.GOARCH), flags(runtime.GOARCH), head) {
		return "", errMachine
	}
	order := native()
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

// native is the byte order of this machine and of its programs. The compiler knows it, and
// leaves out the code for the other order.
func native() byteOrder {
	switch runtime.GOARCH {
	case "mips", "mips64", "ppc64", "s390x":
		return true
	}
	return false
}
