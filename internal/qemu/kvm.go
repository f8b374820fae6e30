package qemu

import (
	"context"
	"os"
	"regexp"
	"runtime"
	"time"

	"github.com/mkinitfs/mkinitfs/internal/arch"
)

// What chooses the accelerator.
var (
	kvmArgs     = []string{"-accel", "kvm", "-cpu", "host"}
	tcgArgs     = []string{"-accel", "tcg"}
	countedArgs = []string{"-accel", "tcg", "-icount", "shift=0,sleep=off"}
)

// kvmTimeout is the time for the first line of a kernel under KVM, which takes far less. If it
// runs out, QEMU emulates the processor instead.
const kvmTimeout = 3 * time.Second

// kvmRuns reports whether KVM runs the kernel of m here. Opening /dev/kvm, or even running
// some instructions, proves little: inside some virtual machines the guest then executes
// nothing, in others (kvm-pvm) only their own kernel runs.
func (m Machine) kvmRuns(ctx context.Context, b arch.Board) bool {
	if b.KVM != runtime.GOARCH {
		return false
	}
	kvm, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	kvm.Close()
	return m.begins(ctx, b, kvmArgs, kvmTimeout)
}

// begins reports whether the kernel says its first line with an accelerator.
func (m Machine) begins(ctx context.Context, b arch.Board, accel []string, timeout time.Duration) bool {
	probe := Machine{Kernel: m.Kernel, Append: b.Early, Timeout: timeout, Expect: regexp.MustCompile("Linux version ")}
	result, err := probe.run(ctx, b.Binary, append(probe.args(b), accel...))
	return err == nil && result.Matched
}
