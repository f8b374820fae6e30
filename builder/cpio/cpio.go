// Package cpio reads and writes newc archives, the only format that the kernel unpacks into its
// initramfs. Its interface resembles archive/tar. The boot stub links this package, so it does
// not import fmt.
//
// The format, from the kernel's driver-api/early-userspace/buffer-format: a
// header of 110 bytes (a magic and thirteen fields of eight hexadecimal digits),
// the name with its NUL, padding to 4, the body, padding to 4. An entry named
// TRAILER!!! ends the archive; hard links never reach across it.
package cpio

import "strconv"

// Header is one entry. In the archive every number has 32 bits. Size and MTime are wider here,
// so that a larger value is refused and not truncated.
type Header struct {
	Name      string // as stored, without its NUL
	Ino       uint32 // equal, with DevMajor and DevMinor, for the names of one file
	Mode      uint32 // file type and permission bits, as in stat(2)
	UID       uint32
	GID       uint32
	Nlink     uint32
	MTime     int64 // seconds since the epoch
	Size      int64 // bytes of the body: a file's content, a symbolic link's target
	DevMajor  uint32
	DevMinor  uint32
	RdevMajor uint32 // of a device node
	RdevMinor uint32
}

// Type returns the file type bits of Mode.
func (h *Header) Type() uint32 { return h.Mode & TypeMask }

// File type bits of [Header.Mode].
const (
	TypeMask   = 0o170000
	TypeSocket = 0o140000
	TypeLink   = 0o120000
	TypeFile   = 0o100000
	TypeBlock  = 0o060000
	TypeDir    = 0o040000
	TypeChar   = 0o020000
	TypeFIFO   = 0o010000
)

const (
	// Trailer is the name that ends an archive.
	Trailer = "TRAILER!!!"
	// PathMax is the kernel's PATH_MAX. The kernel silently drops names and link targets that
	// take more bytes with their NUL.
	PathMax = 4096
	// NameMax is the kernel's NAME_MAX, in bytes of a path's component.
	NameMax = 255
	// MaxSize and MaxTime are the largest Size and MTime that newc holds.
	MaxSize = 1<<32 - 1
	MaxTime = 1<<32 - 1

	headerSize = 110
	magic      = "070701"
	magicCRC   = "070702" // newc with a sum of the body's bytes; the kernel accepts it too
)

// TrailerSize is the length of the entry that ends an archive.
const TrailerSize = (headerSize + int64(len(Trailer)) + 1 + 3) &^ 3

// EntrySize is the length of an entry in the archive: header, name, body, padding.
func EntrySize(name string, size int64) int64 {
	return pad4(headerSize+int64(len(name))+1) + pad4(size)
}

func pad4(n int64) int64 { return (n + 3) &^ 3 }

// Error is a fault in an archive that is read or written.
type Error struct {
	Offset int64 // bytes from the start of the archive
	Msg    string
}

// Cut is the Msg of an archive that ends before its trailer.
const Cut = "unexpected end of archive"

func (e *Error) Error() string {
	return "cpio: offset " + strconv.FormatInt(e.Offset, 10) + ": " + e.Msg
}
