package image

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/envelope"
	"github.com/mkinitfs/mkinitfs/internal/magic"
)

// formats are the formats that people take for an initramfs, or keep one in, each with advice.
var formats = map[magic.Format]string{
	magic.OldCpio:   "a cpio archive of the old character format, where the kernel wants newc: write it with cpio -H newc",
	magic.BinCpio:   "a cpio archive of the old binary format, where the kernel wants newc: write it with cpio -H newc",
	magic.UImage:    "a U-Boot uImage, which mkinitfs reads only where it is a whole file (dumpimage -T ramdisk -p 0 -o FILE IMAGE takes out what is in it)",
	magic.FDT:       "a device tree or a FIT image (dumpimage -l lists what is in it), of which mkinitfs reads a FIT image that is a whole file",
	magic.BzImage:   "a Linux kernel (bzImage), not an initramfs",
	magic.Arm64:     "a Linux kernel (Image for arm64), not an initramfs",
	magic.RISCV:     "a Linux kernel (Image for RISC-V), not an initramfs",
	magic.ZImage:    "a Linux kernel (zImage for ARM), not an initramfs",
	magic.ZBoot:     "a Linux kernel that unpacks itself under EFI (zboot), not an initramfs",
	magic.PE:        "a PE program, such as a kernel with an EFI stub, not an initramfs (mkinitfs reads those with a section .initrd)",
	magic.Android:   "an Android boot image: unpack_bootimg takes its ramdisk out",
	magic.Squashfs:  "a squashfs file system, not an initramfs: unsquashfs unpacks it",
	magic.EROFS:     "an EROFS file system, not an initramfs: fsck.erofs --extract=DIR unpacks it",
	magic.Cramfs:    "a cramfs file system, not an initramfs",
	magic.Romfs:     "a romfs file system, not an initramfs",
	magic.JFFS2:     "a JFFS2 file system, not an initramfs",
	magic.UBI:       "a UBI image, not an initramfs",
	magic.UBIFS:     "a UBIFS file system, not an initramfs",
	magic.XFS:       "an XFS file system, not an initramfs",
	magic.Qcow2:     "a qcow2 disk image, not an initramfs",
	magic.BootBlock: "a disk image with a partition table, or a boot sector, not an initramfs",
	magic.RPM:       "an RPM package, not an initramfs: rpm2cpio makes an archive of it",
	magic.SevenZip:  "a 7z archive, not an initramfs",
	magic.Lzip:      "compressed with lzip, which no kernel takes: decompress it first",
	magic.Compress:  "compressed with compress, which no kernel takes: decompress it first",
	magic.Tar:       "a tar archive, not an initramfs: a manifest takes it with type: tar",
	magic.Ext:       "an ext2, ext3 or ext4 file system, not an initramfs",
	magic.Ar:        "a Debian package or another ar archive, not an initramfs",
	magic.Zip:       "a zip archive, not an initramfs",
	magic.ELF:       "an ELF program, not an initramfs",
}

// formatOf returns the format of data that begins with head, and advice. It returns "" for an
// unknown format.
func formatOf(head []byte) string {
	for f := range magic.All(head) {
		if what := formats[f]; what != "" {
			return what
		}
	}
	return ""
}

// Describe returns what data that begins with head is, such as "a U-Boot uImage", and whether
// an image can be in it. It returns "" for an unknown format, and for text. It needs
// [magic.HeadSize] bytes.
func Describe(head []byte) (what string, holds bool) {
	if bytes.IndexByte(head, 0) < 0 {
		return "", false
	}
	what = formatOf(head)
	if end := strings.IndexAny(what, ",:("); end >= 0 {
		what = strings.TrimSpace(what[:end])
	}
	return what, what != "" && envelope.Begins(head)
}

// describe names data that begins with head and is neither compressed nor an archive.
func describe(head []byte) string {
	if what := formatOf(head); what != "" {
		return what
	}
	return fmt.Sprintf("begins with %q, which is no known archive", head[:min(len(head), 6)])
}

func notImage(err error) error { return fmt.Errorf("%w: %w", ErrNotImage, err) }
