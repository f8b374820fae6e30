package qemu

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// machine is how QEMU plays an architecture.
type machine struct {
	binary  string
	debian  string   // Debian's package of the binary
	args    []string // board and, where the board's default will not do, processor
	console string   // what the kernel calls the first serial port
	words   string   // for the kernel
	early   string   // kernel words that keep the log on that port without a console
	memory  int      // MiB when nothing else is asked for
	kvm     string   // GOARCH of the machines whose KVM can run it; "" never tries
}

// machines has a row for each GOARCH. The boards are those that Debian's stock
// kernels know without modules.
//
// A PC's kernel waits some ticks for the timer and panics when none comes, as it
// happens where the emulator has to wait for a CPU: no_timer_check. A cortex-a76
// knows pages of 4, 16 and 64 KiB, where the a53, a57 and a72 lack those of 16.
var machines = map[string]machine{
	"386":      {binary: "qemu-system-i386", debian: "qemu-system-x86", args: []string{"-M", "pc"}, console: "ttyS0", words: "no_timer_check", early: "earlyprintk=ttyS0,115200,keep", memory: 256, kvm: "amd64"},
	"amd64":    {binary: "qemu-system-x86_64", debian: "qemu-system-x86", args: []string{"-M", "q35"}, console: "ttyS0", words: "no_timer_check", early: "earlyprintk=ttyS0,115200,keep", memory: 256, kvm: "amd64"},
	"arm":      {binary: "qemu-system-arm", debian: "qemu-system-arm", args: []string{"-M", "virt"}, console: "ttyAMA0", early: "earlycon keep_bootcon", memory: 256},
	"arm64":    {binary: "qemu-system-aarch64", debian: "qemu-system-arm", args: []string{"-M", "virt", "-cpu", "cortex-a76"}, console: "ttyAMA0", early: "earlycon keep_bootcon", memory: 256},
	"mips":     {binary: "qemu-system-mips", debian: "qemu-system-mips", args: []string{"-M", "malta"}, console: "ttyS0", early: "earlycon keep_bootcon", memory: 256},
	"mipsle":   {binary: "qemu-system-mipsel", debian: "qemu-system-mips", args: []string{"-M", "malta"}, console: "ttyS0", early: "earlycon keep_bootcon", memory: 256},
	"mips64le": {binary: "qemu-system-mips64el", debian: "qemu-system-mips", args: []string{"-M", "malta", "-cpu", "MIPS64R2-generic"}, console: "ttyS0", early: "earlycon keep_bootcon", memory: 256},
	"ppc64le":  {binary: "qemu-system-ppc64", debian: "qemu-system-ppc", args: []string{"-M", "pseries"}, console: "hvc0", early: "keep_bootcon", memory: 512},
	"riscv64":  {binary: "qemu-system-riscv64", debian: "qemu-system-misc", args: []string{"-M", "virt"}, console: "ttyS0", early: "earlycon keep_bootcon", memory: 256},
	"s390x":    {binary: "qemu-system-s390x", debian: "qemu-system-misc", args: []string{"-M", "s390-ccw-virtio"}, console: "ttysclp0", early: "earlyprintk keep_bootcon", memory: 256},
}

// lookup finds the row of arch.
func lookup(arch string) (machine, error) {
	m, ok := machines[goarch(arch)]
	if !ok {
		return m, fmt.Errorf("no machine is known for architecture %q (there are %s)",
			arch, strings.Join(slices.Sorted(maps.Keys(machines)), ", "))
	}
	return m, nil
}

// goarch is arch without the variant that may follow, as in "arm/v7".
func goarch(arch string) string {
	name, _, _ := strings.Cut(arch, "/")
	return name
}
