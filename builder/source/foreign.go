package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/magic"
)

const (
	tarBlock = 512

	byBsdtar = "bsdtar -cf ROOT.tar @FILE makes a tarball of it"
	byHand   = "unpack it, and take the directory with type: tree"
)

// known describes a format that may be mistaken for a tarball, with a hint.
type known struct{ what, hint string }

var formats = map[magic.Format]known{
	magic.OldCpio:   {"a cpio archive", byBsdtar},
	magic.Cpio:      {"a cpio archive", "type: cpio takes it"},
	magic.BinCpio:   {"an old binary cpio archive", byBsdtar},
	magic.Zip:       {"a zip archive", byBsdtar},
	magic.EmptyZip:  {"an empty zip archive", byBsdtar},
	magic.SevenZip:  {"a 7z archive", byBsdtar},
	magic.Rar:       {"a rar archive", byBsdtar},
	magic.Xar:       {"a xar archive", byBsdtar},
	magic.RPM:       {"an RPM package", byBsdtar},
	magic.Debian:    {"a Debian package", "dpkg-deb --fsys-tarfile writes its tarball"},
	magic.Ar:        {"an ar archive", byBsdtar},
	magic.Squashfs:  {"a squashfs image", "sqfs2tar makes a tarball of it"},
	magic.EROFS:     {"an EROFS image", byHand},
	magic.Ext:       {"an ext2, ext3 or ext4 image", byHand},
	magic.Cramfs:    {"a cramfs image", byHand},
	magic.Romfs:     {"a romfs image", byHand},
	magic.JFFS2:     {"a JFFS2 image", byHand},
	magic.UBI:       {"a UBI image", byHand},
	magic.UBIFS:     {"a UBIFS image", byHand},
	magic.XFS:       {"an XFS image", byHand},
	magic.Qcow2:     {"a qcow2 disk image", byHand},
	magic.BootBlock: {"a disk image with a partition table, or a boot sector", byHand},
	magic.Lzip:      {"compressed with lzip", "decompress it first"},
	magic.Compress:  {"compressed with compress", "decompress it first"},
	magic.UImage:    {"a U-Boot image", ""},
	magic.FDT:       {"a device tree or FIT image", ""},
	magic.Android:   {"an Android boot image", ""},
	magic.ELF:       {"an ELF file", "type: file takes it"},
	magic.PE:        {"a PE program", ""},
}

// formatOf returns the known format with the magic at the start of head.
func formatOf(head []byte) (known, bool) {
	for f := range magic.All(head) {
		if what, ok := formats[f]; ok {
			return what, true
		}
	}
	codec := compress.Detect(head)
	switch {
	case codec != nil && codec.Name != compress.None:
		return known{"compressed with " + codec.Name + " a second time", "decompress it first"}, true
	case head[0] == '{':
		return known{"JSON", ""}, true
	case head[0] == '<':
		return known{"HTML or XML: was a page downloaded in its place?", ""}, true
	}
	return known{}, false
}

// checkTar returns an error unless head begins a tar archive. The error names the actual
// format, if it is known. All formats of tar have the header's checksum at the same offset.
func checkTar(head []byte) error {
	if len(head) == 0 {
		return errors.New("empty, not even an end of archive")
	}
	if len(head) >= tarBlock && isHeader(head[:tarBlock]) {
		return nil
	}
	if f, ok := formatOf(head); ok {
		return advise(f.hint, "no tar archive but %s", f.what)
	}
	if len(head) >= tarBlock && !nonzero(head[:tarBlock]) {
		return nil // an empty archive
	}
	if len(head) < tarBlock {
		return fmt.Errorf("%w: cut short, or no tar archive", io.ErrUnexpectedEOF)
	}
	return errors.New("not a tar archive, or a damaged one")
}

// isHeader reports whether a block has the checksum of a header. Some old programs summed
// signed bytes.
func isHeader(block []byte) bool {
	const at, length = 148, 8
	var want, unsigned, signed int64
	digits := bytes.Trim(block[at:at+length], " \x00")
	if _, err := fmt.Sscanf(string(digits), "%o", &want); err != nil {
		return false
	}
	for i, c := range block {
		if i >= at && i < at+length {
			c = ' '
		}
		unsigned += int64(c)
		signed += int64(int8(c))
	}
	return want == unsigned || want == signed
}

func nonzero(p []byte) bool { return len(bytes.TrimLeft(p, "\x00")) > 0 }
