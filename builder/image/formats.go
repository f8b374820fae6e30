package image

import (
	"fmt"

	"github.com/mkinitfs/mkinitfs/internal/magic"
)

// formats are what people take for an initramfs, or keep one in, and what to do about it.
var formats = map[magic.Format]string{
	magic.OldCpio:  "a cpio archive of the old character format, where the kernel wants newc: write it with cpio -H newc",
	magic.BinCpio:  "a cpio archive of the old binary format, where the kernel wants newc: write it with cpio -H newc",
	magic.UImage:   "a U-Boot uImage, which mkinitfs reads only where it is a whole file (dumpimage -T ramdisk -p 0 -o FILE IMAGE takes out what is in it)",
	magic.FDT:      "a device tree or a FIT image (dumpimage -l lists what is in it), of which mkinitfs reads a FIT image that is a whole file",
	magic.BzImage:  "a Linux kernel (bzImage), not an initramfs",
	magic.PE:       "a PE program, such as a kernel with an EFI stub, not an initramfs (mkinitfs reads those with a section .initrd)",
	magic.Android:  "an Android boot image: unpack_bootimg takes its ramdisk out",
	magic.Squashfs: "a squashfs file system, not an initramfs: unsquashfs unpacks it",
	magic.Tar:      "a tar archive, not an initramfs: a manifest takes it with type: tar",
	magic.Ext:      "an ext2, ext3 or ext4 file system, not an initramfs",
	magic.Ar:       "a Debian package or another ar archive, not an initramfs",
	magic.Zip:      "a zip archive, not an initramfs",
	magic.ELF:      "an ELF program, not an initramfs",
}

// formatOf returns what data that begins with head is, and what to do about it, "" for what
// is not known.
func formatOf(head []byte) string {
	for f := range magic.All(head) {
		if what := formats[f]; what != "" {
			return what
		}
	}
	return ""
}

// describe says what begins with head, which neither a codec nor the archive knows.
func describe(head []byte) string {
	if what := formatOf(head); what != "" {
		return what
	}
	return fmt.Sprintf("begins with %q, which is no known archive", head[:min(len(head), 6)])
}
