package qemu

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// kvmRuns reports whether KVM runs code here. That /dev/kvm opens, or even that
// QEMU starts with it, says little: inside some virtual machines the guest then
// never executes anything. So it has to run a few instructions and end QEMU.
func (m machine) kvmRuns(ctx context.Context) bool {
	if m.kvm != runtime.GOARCH {
		return false
	}
	kvm, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	kvm.Close()
	return m.executes(ctx, kvmArgs)
}

// kvmArgs and tcgArgs choose the accelerator.
var (
	kvmArgs = []string{"-accel", "kvm", "-cpu", "host"}
	tcgArgs = []string{"-accel", "tcg"}
)

// executes reports whether a PC with this accelerator runs exitROM to its end.
func (m machine) executes(ctx context.Context, accel []string) bool {
	rom, err := os.CreateTemp("", "mkinitfs-rom")
	if err != nil {
		return false
	}
	defer os.Remove(rom.Name())
	_, err = rom.Write(exitROM())
	if err := errors.Join(err, rom.Close()); err != nil {
		return false
	}

	// Far more than it takes: starting QEMU is nearly all there is to do.
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	qemu := exec.CommandContext(ctx, m.binary, append(accel[:len(accel):len(accel)],
		"-M", "pc", "-display", "none", "-nic", "none", "-bios", rom.Name(),
		"-device", "isa-debug-exit,iobase=0xf4,iosize=1")...)
	ownGroup(qemu)
	_ = qemu.Run() // the status tells
	return qemu.ProcessState != nil && qemu.ProcessState.ExitCode() == exitedByROM
}

// isa-debug-exit ends QEMU with twice the written byte plus one.
const exitedByROM = 0x15<<1 | 1

// exitROM is a PC firmware that writes 0x15 to port 0xf4. The processor starts
// in real mode, 16 bytes below the end.
func exitROM() []byte {
	rom := make([]byte, 64<<10)
	copy(rom[len(rom)-16:], []byte{
		0xb0, 0x15, // mov al, 0x15
		0xe6, 0xf4, // out 0xf4, al
		0xf4, //       hlt
	})
	return rom
}
