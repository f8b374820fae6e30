package image

import (
	"encoding/binary"
	"fmt"
)

// formatHead is how much of a file formatOf wants to see: the magic of ext4 lies the
// furthest from the start.
const formatHead = 0x43a

// formatOf returns what data that begins with head is, if it is something that people
// take for an initramfs or keep one in, and what to do about it; else "".
func formatOf(head []byte) string {
	has := func(at int, magic string) bool {
		return len(head) >= at+len(magic) && string(head[at:at+len(magic)]) == magic
	}
	for _, f := range formats {
		for _, magic := range f.magic {
			if has(f.at, magic) {
				return f.what
			}
		}
	}
	const oldBinary = 0o070707 // in the byte order of the machine that wrote it
	if len(head) >= 26 && (binary.LittleEndian.Uint16(head) == oldBinary || binary.BigEndian.Uint16(head) == oldBinary) {
		return "a cpio archive of the old binary format, where the kernel wants newc: write it with cpio -H newc"
	}
	return ""
}

var formats = []struct {
	at    int
	magic []string
	what  string
}{
	{0, []string{"070707"}, "a cpio archive of the old character format, where the kernel wants newc: write it with cpio -H newc"},
	{0, []string{"\x27\x05\x19\x56"}, "a U-Boot uImage: what is in it begins 64 bytes later, if it is a single file (dumpimage -T ramdisk -p 0 -o FILE IMAGE)"},
	{0, []string{"\xd0\x0d\xfe\xed"}, "a device tree or a FIT image: dumpimage -l lists what is in it"},
	{0x202, []string{"HdrS"}, "a Linux kernel (bzImage), not an initramfs"},
	{0, []string{"MZ"}, "a PE program, such as a kernel with an EFI stub or a unified kernel image: objcopy -O binary -j .initrd IMAGE FILE takes its initramfs out"},
	{0, []string{"ANDROID!", "VNDRBOOT"}, "an Android boot image: unpack_bootimg takes its ramdisk out"},
	{0, []string{"hsqs", "sqsh"}, "a squashfs file system, not an initramfs: unsquashfs unpacks it"},
	{257, []string{"ustar"}, "a tar archive, not an initramfs: a manifest takes it with type: tar"},
	{0x438, []string{"\x53\xef"}, "an ext2, ext3 or ext4 file system, not an initramfs"},
	{0, []string{"!<arch>\n"}, "a Debian package or another ar archive, not an initramfs"},
	{0, []string{"PK\x03\x04"}, "a zip archive, not an initramfs"},
	{0, []string{"\x7fELF"}, "an ELF program, not an initramfs"},
}

// describe says what begins with head, which neither a codec nor the archive knows.
func describe(head []byte) string {
	if what := formatOf(head); what != "" {
		return what
	}
	return fmt.Sprintf("begins with %q, which is no known archive", head[:min(len(head), 6)])
}
