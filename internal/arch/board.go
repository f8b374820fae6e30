package arch

import "slices"

// Board is a machine of QEMU.
type Board struct {
	Binary    string   // of QEMU
	Package   string   // Debian's package of the binary
	Args      []string // board and, where the board's default will not do, processor
	Console   string   // what the kernel calls the first serial port
	Words     string   // for the kernel
	Early     string   // kernel words that keep the log on that port without a console
	MemoryMiB int      // when nothing else is asked for
	KVM       string   // GOARCH of the machines whose KVM can run it; "" never tries
}

// The boards are those that Debian's stock kernels know without modules.
//
// no_timer_check: a PC's kernel waits some ticks for the timer and panics when none comes,
// which happens when the emulator has to wait for a CPU. A cortex-a76 supports pages of 4, 16
// and 64 KiB. The a53, a57 and a72 lack those of 16.
var (
	pc32 = Board{
		Binary: "qemu-system-i386", Package: "qemu-system-x86", Args: []string{"-M", "pc"}, Console: "ttyS0",
		Words: "no_timer_check", Early: "earlyprintk=ttyS0,115200,keep", MemoryMiB: 256, KVM: "amd64",
	}
	pc64 = Board{
		Binary: "qemu-system-x86_64", Package: "qemu-system-x86", Args: []string{"-M", "q35"}, Console: "ttyS0",
		Words: "no_timer_check", Early: "earlyprintk=ttyS0,115200,keep", MemoryMiB: 256, KVM: "amd64",
	}
	virt32 = Board{
		Binary: "qemu-system-arm", Package: "qemu-system-arm", Args: []string{"-M", "virt"}, Console: "ttyAMA0",
		Early: "earlycon keep_bootcon", MemoryMiB: 256,
	}
	virt64 = Board{
		Binary: "qemu-system-aarch64", Package: "qemu-system-arm", Args: []string{"-M", "virt", "-cpu", "cortex-a76"}, Console: "ttyAMA0",
		Early: "earlycon keep_bootcon", MemoryMiB: 256,
	}
	malta32 = Board{
		Binary: "qemu-system-mips", Package: "qemu-system-mips", Args: []string{"-M", "malta"}, Console: "ttyS0",
		Early: "earlycon keep_bootcon", MemoryMiB: 256,
	}
	malta32le = Board{
		Binary: "qemu-system-mipsel", Package: "qemu-system-mips", Args: []string{"-M", "malta"}, Console: "ttyS0",
		Early: "earlycon keep_bootcon", MemoryMiB: 256,
	}
	malta64le = Board{
		Binary: "qemu-system-mips64el", Package: "qemu-system-mips", Args: []string{"-M", "malta", "-cpu", "MIPS64R2-generic"}, Console: "ttyS0",
		Early: "earlycon keep_bootcon", MemoryMiB: 256,
	}
	pseries = Board{
		Binary: "qemu-system-ppc64", Package: "qemu-system-ppc", Args: []string{"-M", "pseries"}, Console: "hvc0",
		Early: "keep_bootcon", MemoryMiB: 512,
	}
	virtRISCV = Board{
		Binary: "qemu-system-riscv64", Package: "qemu-system-misc", Args: []string{"-M", "virt"}, Console: "ttyS0",
		Early: "earlycon keep_bootcon", MemoryMiB: 256,
	}
	ccw = Board{
		Binary: "qemu-system-s390x", Package: "qemu-system-misc", Args: []string{"-M", "s390-ccw-virtio"}, Console: "ttysclp0",
		Early: "earlyprintk keep_bootcon", MemoryMiB: 256,
	}
)

// BoardOf returns the board that emulates an architecture, given as a name in [Names] or a
// GOARCH. It returns false if there is none.
func BoardOf(name string) (Board, bool) {
	r := find(name)
	if r == nil || r.board == nil {
		return Board{}, false
	}
	return *r.board, true
}

// Boards lists the GOARCH of every architecture that has a board, sorted.
func Boards() []string {
	var names []string
	for i := range rows {
		if rows[i].board != nil {
			names = append(names, rows[i].name)
		}
	}
	slices.Sort(names)
	return names
}
