package layout

import (
	"fmt"
	"strconv"

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
	Nodes  int64  // entries in these, which are not bytes
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
	rootfs := d.Rootfs + d.Nodes*bootplan.PerInode // when the kernel is done
	done := rootfs + p.Whole(page)
	if d.Type == Tmpfs {
		done = rootfs + p.Peak(page, true)
	} else {
		rootfs += p.Files(page)
	}
	done += loaded * d.Policy
	return max(done, d.Image+rootfs+max(rootfs, d.Window+starting))
}

// warnTight warns if the bounds of the root's tmpfs are too small for the root. The stub then
// refuses to unpack it.
func warnTight(p *bootplan.Plan, o Options) {
	warn := func(format string, a ...any) {
		if o.Warn != nil {
			o.Warn(fmt.Sprintf(format, a...))
		}
	}
	page := arch.PageSize(o.Stub.Arch)
	size, err := strconv.ParseInt(o.Stub.Size, 10, 64) // an error for a share of the RAM
	if files := p.Files(page); err == nil && size < files {
		warn("root.size allows %d bytes, the root's files take %d on pages of %d KiB: the stub will not unpack it\n"+
			"  raise root.size, or leave it out", size, files, page>>10)
	}
	if n := p.Entries; 0 < o.Stub.Inodes && o.Stub.Inodes < n {
		warn("root.inodes allows %d, the root has %d entries: the stub will not unpack it\n"+
			"  raise root.inodes, or leave it out", o.Stub.Inodes, n)
	}
}

func roundUp(n, unit int64) int64 { return (n + unit - 1) / unit * unit }
