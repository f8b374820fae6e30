package layout

import (
	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/internal/arch"
)

// MinRAM is the least RAM, in bytes, in which an image boots with a complete root. The memory
// of the kernel itself comes on top and depends on the kernel: its code, its tables, its
// reserve, and 1.6% of the RAM for the descriptions of pages. MinRAM includes 8 MiB for the
// program that is started. It is the largest of
//
//   - the image, as the boot loader left it in RAM, what the kernel has unpacked of
//     it, the window of the decompressor, and what the kernel gives back thereafter;
//   - the image and twice what the kernel has unpacked, since rootfs is a tmpfs of
//     half the RAM that is left beside the image (not with rootfstype=ramfs);
//   - the unpacked root, and for a tmpfs root what unpacking the last of it takes; for
//     one with SELinux, what its policy takes.
type MinRAM struct {
	Bytes  int64           `json:"bytes"`            // on pages of the size that is usual for the architecture
	Pages  map[int64]int64 `json:"pages"`            // on pages of each size
	Debian int64           `json:"debian,omitempty"` // RAM of a machine in QEMU that boots it with Debian's 6.1 kernel, if that is known
}

// debian is the memory of Debian's 6.1 kernels on the machines of package qemu with two CPUs:
// fixed bytes and thousandths of the RAM, measured as the difference to MemAvailable, and the
// least RAM in which they start a program at all, found by trying.
var debian = map[string]struct{ fixed, share, least int64 }{
	"amd64":  {fixed: 53 << 20, share: 32, least: 76 << 20},
	"mipsle": {fixed: 22 << 20, share: 32, least: 48 << 20},
}

// Demands are the inputs of [MinRAM] beside the boot plan, in bytes.
type Demands struct {
	Type   string // of the root
	Image  int64  // size of the image
	Rootfs int64  // the archives that the kernel unpacks, without those of the root
	Window int64  // of the kernel's decompressor
	Policy int64  // of SELinux
}

// MinRAM returns the least RAM for an image with these demands on a machine of an
// architecture.
func (d Demands) MinRAM(p *bootplan.Plan, target string) *MinRAM {
	m := &MinRAM{Pages: map[int64]int64{}}
	for _, size := range bootplan.PageSizes {
		m.Pages[size] = d.needs(p, size)
	}
	m.Bytes = m.Pages[arch.PageSize(target)]
	if d, ok := debian[target]; ok {
		ram := max((m.Bytes+d.fixed)*1000/(1000-d.share), d.least)
		m.Debian = roundUp(ram, 4<<20)
	}
	return m
}

// loaded is the memory for each byte of a policy while it is loaded. The kernel's tables take 4
// bytes (6.1, Debian's policy), and there are two copies, the stub's and the kernel's.
const loaded = 6

// starting is the memory that the kernel frees after it has unpacked the image and before it
// runs a program. The lines "Freeing unused kernel ..." of Debian's 6.1 sum up to 8.4 MiB on
// amd64.
const starting = 9 << 20

// needs returns the bytes that a boot takes on pages of a size.
func (d Demands) needs(p *bootplan.Plan, page int64) int64 {
	rootfs := d.Rootfs // when the kernel is done
	done := rootfs + p.Whole(page)
	if d.Type == Tmpfs {
		done = rootfs + p.Peak(page, true)
	} else {
		rootfs += p.Files(page)
	}
	done += loaded * d.Policy
	return max(done, d.Image+rootfs+max(rootfs, d.Window+starting))
}

func roundUp(n, unit int64) int64 { return (n + unit - 1) / unit * unit }
