package layout

import (
	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/internal/arch"
)

// MinRAM is the least RAM that an image boots in with its root whole, in bytes. It
// is beyond what the kernel takes for itself, which depends on the kernel: its
// code, its tables, what it keeps free, and 1.6% of the RAM that describe pages.
// 8 MiB of it are for the program that is started. It is the largest of
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

// debian is what Debian's 6.1 kernels take for themselves on the machines of package
// qemu with two CPUs: fixed bytes and thousandths of the RAM, as the difference to
// MemAvailable says, and the least RAM in which they start a program at all, tried.
var debian = map[string]struct{ fixed, share, least int64 }{
	"amd64":  {fixed: 53 << 20, share: 32, least: 76 << 20},
	"mipsle": {fixed: 22 << 20, share: 32, least: 48 << 20},
}

// Demands are what decides over the RAM of a boot beside the boot plan, in bytes.
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

// loaded is what a policy takes for each of its bytes while it is loaded: the kernel
// makes 4 of it (6.1, Debian's policy), and there are two copies, the stub's and the
// kernel's.
const loaded = 6

// starting is what the kernel gives back before it runs a program, and has not got
// while it unpacks the image: the lines "Freeing unused kernel ..." of Debian's 6.1
// sum up to 8.4 MiB on amd64.
const starting = 9 << 20

// needs is what a boot takes on pages of a size.
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
