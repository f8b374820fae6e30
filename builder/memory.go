package builder

import (
	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/internal/arch"
	"github.com/mkinitfs/mkinitfs/manifests"
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

func (b *build) minRAM() *MinRAM {
	d := demands{root: b.manifest.Root.Type, size: b.report.Size}
	for _, s := range b.report.Segments {
		if s.Kind != "root" {
			d.rootfs += s.Unpacked
		}
		if s.Codec == b.outer.Name {
			d.window = max(d.window, b.outer.window(s.Unpacked))
		}
	}
	d.window = b.outer.Memory(d.window)
	if b.policy != nil {
		d.policy = b.policy.Size
	}
	return d.minRAM(b.bootPlan(b.packed, nil), b.arch)
}

// demands are what decides over the RAM of a boot beside the boot plan, in bytes.
type demands struct {
	root   manifests.RootType
	size   int64 // of the image
	rootfs int64 // of the archives that the kernel unpacks, but for those of the root
	window int64 // of the kernel's decompressor
	policy int64 // of SELinux
}

func (d demands) minRAM(p *bootplan.Plan, target string) *MinRAM {
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
func (d demands) needs(p *bootplan.Plan, page int64) int64 {
	rootfs := d.rootfs // when the kernel is done
	done := rootfs + p.Whole(page)
	if d.root == manifests.Tmpfs {
		done = rootfs + p.Peak(page, true)
	} else {
		rootfs += p.Files(page)
	}
	done += loaded * d.policy
	return max(done, d.size+rootfs+max(rootfs, d.window+starting))
}

func roundUp(n, unit int64) int64 { return (n + unit - 1) / unit * unit }
