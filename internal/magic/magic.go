// Package magic recognizes, by its first bytes, a file that was given in place of an archive,
// an image or a kernel. It knows foreign formats only: package compress has the magics of
// codecs, package cpio that of newc.
package magic

import (
	"iter"
	"slices"
	"strings"
)

// HeadSize is how many bytes of a file [All] needs: the magic of ext4 lies behind a whole KiB.
const HeadSize = 0x43a

// Format is a format. Its name is for code only.
type Format string

// The formats.
const (
	OldCpio   Format = "cpio, character format of old"
	Cpio      Format = "cpio, with a header of text"
	BinCpio   Format = "cpio, binary format of old"
	Tar       Format = "tar"
	Ar        Format = "ar"
	Debian    Format = "deb"
	RPM       Format = "rpm"
	Zip       Format = "zip"
	EmptyZip  Format = "zip without files"
	SevenZip  Format = "7z"
	Rar       Format = "rar"
	Xar       Format = "xar"
	Lzip      Format = "lzip"
	Compress  Format = "compress"
	Squashfs  Format = "squashfs"
	EROFS     Format = "erofs"
	Ext       Format = "ext2, ext3, ext4"
	Cramfs    Format = "cramfs"
	Romfs     Format = "romfs"
	JFFS2     Format = "jffs2"
	UBI       Format = "ubi"
	UBIFS     Format = "ubifs"
	XFS       Format = "xfs"
	Qcow2     Format = "qcow2"
	BootBlock Format = "boot sector"
	UImage    Format = "uImage"
	FDT       Format = "device tree"
	BzImage   Format = "bzImage"
	Arm64     Format = "Image for arm64"
	RISCV     Format = "Image for RISC-V"
	ZImage    Format = "zImage for ARM"
	ZBoot     Format = "kernel that unpacks itself under EFI"
	PE        Format = "PE"
	Android   Format = "Android boot image"
	ELF       Format = "ELF"
)

// row is a format with its magic.
type row struct {
	format Format
	at     int
	magics []string
	least  int // bytes that a file of it has; 0 is those of the magic
}

// rows are in the order of the tests: formats with a longer magic, or one at the start, come
// first. Many kernels are PE files and have a boot sector.
var rows = []row{
	{format: OldCpio, magics: []string{"070707"}},
	{format: Cpio, magics: []string{"07070"}},
	{format: Zip, magics: []string{"PK\x03\x04"}},
	{format: EmptyZip, magics: []string{"PK\x05\x06"}},
	{format: SevenZip, magics: []string{"7z\xbc\xaf\x27\x1c"}},
	{format: Rar, magics: []string{"Rar!"}},
	{format: Xar, magics: []string{"xar!"}},
	{format: RPM, magics: []string{"\xed\xab\xee\xdb"}},
	{format: Debian, magics: []string{"!<arch>\ndebian-binary"}},
	{format: Ar, magics: []string{"!<arch>\n"}},
	{format: Squashfs, magics: []string{"hsqs", "sqsh"}},
	{format: Cramfs, magics: []string{"\x28\xcd\x3d\x45"}},
	{format: Romfs, magics: []string{"-rom1fs-"}},
	{format: UBI, magics: []string{"UBI#"}},
	{format: UBIFS, magics: []string{"\x31\x18\x10\x06"}},
	{format: XFS, magics: []string{"XFSB"}},
	{format: Qcow2, magics: []string{"QFI\xfb"}},
	{format: Lzip, magics: []string{"LZIP"}},
	{format: UImage, magics: []string{"\x27\x05\x19\x56"}},
	{format: FDT, magics: []string{"\xd0\x0d\xfe\xed"}},
	{format: Android, magics: []string{"ANDROID!", "VNDRBOOT"}},
	{format: ELF, magics: []string{"\x7fELF"}},
	{format: ZBoot, at: 4, magics: []string{"zimg"}},
	{format: ZImage, at: 0x24, magics: []string{"\x18\x28\x6f\x01", "\x01\x6f\x28\x18"}}, // in the byte order of the machine
	{format: Arm64, at: 0x38, magics: []string{"ARM\x64"}},
	{format: RISCV, at: 0x38, magics: []string{"RSC\x05"}},
	{format: Tar, at: 257, magics: []string{"ustar"}},
	{format: BzImage, at: 0x202, magics: []string{"HdrS"}},
	{format: EROFS, at: 0x400, magics: []string{"\xe2\xe1\xf5\xe0"}},
	{format: Ext, at: 0x438, magics: []string{"\x53\xef"}},
	{format: BinCpio, magics: []string{"\xc7\x71", "\x71\xc7"}, least: 26}, // in the byte order of the machine that wrote it
	{format: JFFS2, magics: []string{"\x85\x19"}},
	{format: Compress, magics: []string{"\x1f\x9d"}},
	{format: BootBlock, at: 510, magics: []string{"\x55\xaa"}},
	{format: PE, magics: []string{"MZ"}},
}

// All returns the formats that a file beginning with head can be of, the likeliest first.
func All(head []byte) iter.Seq[Format] {
	return func(yield func(Format) bool) {
		for _, r := range rows {
			if r.matches(head) && !yield(r.format) {
				return
			}
		}
	}
}

// Is reports whether a file beginning with head can be of a format.
func Is(head []byte, format Format) bool {
	for f := range All(head) {
		if f == format {
			return true
		}
	}
	return false
}

func (r *row) matches(head []byte) bool {
	if len(head) < max(r.at, r.least) {
		return false
	}
	return slices.ContainsFunc(r.magics, func(magic string) bool { return strings.HasPrefix(string(head[r.at:]), magic) })
}
