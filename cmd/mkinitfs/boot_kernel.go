package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/builder/minram"
	"github.com/mkinitfs/mkinitfs/internal/magic"
	"github.com/mkinitfs/mkinitfs/internal/qemu"
)

// notKernel returns an error for files that are often given instead of a kernel. The check of
// package qemu comes later.
func notKernel(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return nil // the error comes when the kernel is needed
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	r := bufio.NewReader(f)
	head, _ := r.Peek(1 << 10)
	switch {
	case magic.Is(head, magic.Debian):
		return fmt.Errorf("--kernel %s: is a Debian package, not a kernel\n  unpack it with dpkg-deb -x %[1]s DIR, and give the vmlinuz in DIR/boot", name)
	case magic.Is(head, magic.RPM):
		return fmt.Errorf("--kernel %s: is an RPM package, not a kernel\n  unpack it with rpm2cpio %[1]s | cpio -id, and give the vmlinuz in lib/modules or boot", name)
	case image.Begins(r):
		return fmt.Errorf("--kernel %s: is an initramfs image, not a kernel\n  the image is the argument of boot, --kernel is a vmlinuz", name)
	}
	return nil
}

// warnMemory warns if the machine has less RAM than the image needs. name is the image's name
// in messages.
func warnMemory(w io.Writer, m qemu.Machine, name string) {
	memory := int64(m.Memory()) << 20
	f, err := os.Open(m.Image)
	if err != nil || memory == 0 {
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	least, err := minram.OfImage(f, info.Size(), m.Arch)
	switch {
	case err != nil: // the kernel will say so
	case memory < least.Debian:
		fmt.Fprintf(w, "mkinitfs: warning: the machine has %d MiB of RAM, and the min_ram of %s is %d MiB with Debian's 6.1\n"+
			"  give it more: --memory %[3]d\n", memory>>20, name, least.Debian>>20)
	case memory < least.Bytes:
		fmt.Fprintf(w, "mkinitfs: warning: the machine has %d MiB of RAM, and the min_ram of %s is %s and what the kernel takes\n"+
			"  give it more, by --memory\n", memory>>20, name, sizeText(least.Bytes))
	}
}
