package qemu

import (
	"fmt"
	"io"
	"os"

	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/arch"
	"github.com/mkinitfs/mkinitfs/internal/magic"
)

// checkKernel refuses a file that is visibly no kernel, or one for another architecture. Some
// of QEMU's boards would start it in vain.
func (m Machine) checkKernel() error {
	f, err := os.Open(m.Kernel)
	if err != nil {
		return err
	}
	defer f.Close()
	switch found, ok := kernelArch(f); {
	case !ok:
		return fmt.Errorf("%s: is not a kernel that QEMU boots\n  such as the bzImage, zImage, Image or vmlinux of a kernel's build, or /boot/vmlinuz", m.Kernel)
	case found != "" && found != arch.GOARCH(m.Arch):
		return fmt.Errorf("%s: is a kernel for %s, the machine is for %s", m.Kernel, found, arch.GOARCH(m.Arch))
	}
	return nil
}

// kernelArch returns the GOARCH in the header of a kernel, "" if that does not say, and
// whether the file is a kernel at all.
func kernelArch(f io.ReaderAt) (goarch string, ok bool) {
	head := make([]byte, arch.HeaderSize)
	n, _ := f.ReadAt(head, 0)
	h, isELF := arch.Parse(head[:n])
	has := func(offset int64, magic string) bool {
		b := make([]byte, len(magic))
		_, err := f.ReadAt(b, offset)
		return err == nil && string(b) == magic
	}
	switch {
	case isELF:
		return h.Arch(), true
	case has(0x202, "HdrS"): // Documentation/arch/x86/boot.rst
		const xloadflags, kernel64 = 0x236, 1
		flags := make([]byte, 1)
		if _, err := f.ReadAt(flags, xloadflags); err == nil && flags[0]&kernel64 != 0 {
			return "amd64", true
		}
		return "386", true
	case has(0x24, "\x18\x28\x6f\x01"): // arch/arm/boot/compressed/head.S
		return "arm", true
	case has(0x38, "ARMd"): // Documentation/arch/arm64/booting.rst
		return "arm64", true
	case has(0x38, "RSC\x05"): // Documentation/arch/riscv/boot-image-header.rst
		return "riscv64", true
	case has(0x10008, "S390EP"): // arch/s390/boot/head.S
		return "s390x", true
	case isGzip(head[:n]), has(4, "zimg"): // Image.gz, and with its decompressor vmlinuz.efi: of arm64 or riscv64
		return "", true
	case magic.Is(head[:n], magic.UImage):
		return "", true
	}
	return "", false
}

func isGzip(head []byte) bool {
	c := compress.Detect(head)
	return c != nil && c.Name == "gzip"
}
