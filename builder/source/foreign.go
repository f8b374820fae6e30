package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// headSize is how much of an archive is looked at to tell what it is: ext4 has its magic
// behind a whole KiB.
const headSize = 2 << 10

const (
	tarBlock = 512

	byBsdtar     = "bsdtar -cf ROOT.tar @FILE makes a tarball of it"
	byHand       = "unpack it, and take the directory with type: tree"
	decompressed = "decompress it first"
)

// foreign are formats that are taken for tarballs.
var foreign = []struct {
	at          int
	magic, what string
	hint        string
}{
	{0, "07070", "a cpio archive", byBsdtar},
	{0, "\xc7\x71", "an old binary cpio archive", byBsdtar},
	{0, "\x71\xc7", "an old binary cpio archive", byBsdtar},
	{0, "PK\x03\x04", "a zip archive", byBsdtar},
	{0, "PK\x05\x06", "an empty zip archive", byBsdtar},
	{0, "7z\xbc\xaf\x27\x1c", "a 7z archive", byBsdtar},
	{0, "Rar!", "a rar archive", byBsdtar},
	{0, "xar!", "a xar archive", byBsdtar},
	{0, "\xed\xab\xee\xdb", "an RPM package", byBsdtar},
	{0, "!<arch>\ndebian-binary", "a Debian package", `dpkg-deb --fsys-tarfile writes its tarball`},
	{0, "!<arch>\n", "an ar archive", byBsdtar},
	{0, "hsqs", "a squashfs image", "sqfs2tar makes a tarball of it"},
	{0, "sqsh", "a squashfs image", "sqfs2tar makes a tarball of it"},
	{0x400, "\xe2\xe1\xf5\xe0", "an EROFS image", byHand},
	{0x438, "\x53\xef", "an ext2, ext3 or ext4 image", byHand},
	{0, "\x28\xcd\x3d\x45", "a cramfs image", byHand},
	{0, "-rom1fs-", "a romfs image", byHand},
	{0, "\x85\x19", "a JFFS2 image", byHand},
	{0, "UBI#", "a UBI image", byHand},
	{0, "\x31\x18\x10\x06", "a UBIFS image", byHand},
	{0, "XFSB", "an XFS image", byHand},
	{0, "QFI\xfb", "a qcow2 disk image", byHand},
	{510, "\x55\xaa", "a disk image with a partition table, or a boot sector", byHand},
	{0, "BZh", "compressed with bzip2", decompressed},
	{0, "]\x00\x00", "compressed with lzma", decompressed},
	{0, "\x89LZO", "compressed with lzop", decompressed},
	{0, "LZIP", "compressed with lzip", decompressed},
	{0, "\x1f\x9d", "compressed with compress", decompressed},
	{0, "\x1f\x8b", "compressed with gzip a second time", decompressed},
	{0, "\xfd7zXZ\x00", "compressed with xz a second time", decompressed},
	{0, "\x28\xb5\x2f\xfd", "compressed with zstd a second time", decompressed},
	{0, "\x27\x05\x19\x56", "a U-Boot image", ""},
	{0, "\xd0\x0d\xfe\xed", "a device tree or FIT image", ""},
	{0, "ANDROID!", "an Android boot image", ""},
	{0, "\x7fELF", "an ELF file", "type: file takes it"},
	{0, "MZ", "a PE program", ""},
	{0, "{", "JSON", ""},
	{0, "<", "HTML or XML: was a page downloaded in its place?", ""},
}

// checkTar says what begins with head, unless that is a tar archive, of whatever
// format: all have the sum of their header at the same place.
func checkTar(head []byte) error {
	if len(head) == 0 {
		return errors.New("empty, not even an end of archive")
	}
	if len(head) >= tarBlock && isHeader(head[:tarBlock]) {
		return nil
	}
	for _, f := range foreign {
		if len(head) > f.at && strings.HasPrefix(string(head[f.at:]), f.magic) {
			return advise(f.hint, "no tar archive but %s", f.what)
		}
	}
	if len(head) >= tarBlock && !nonzero(head[:tarBlock]) {
		return nil // an archive of nothing
	}
	if len(head) < tarBlock {
		return fmt.Errorf("%w: cut short, or no tar archive", io.ErrUnexpectedEOF)
	}
	return errors.New("not a tar archive, or a damaged one")
}

// isHeader reports whether a block has the checksum of a header. Some old programs
// summed up signed bytes.
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
