// Package qemu boots an image in QEMU and tells how it ended. The command
// "mkinitfs boot" and the tests use it.
//
// The guest gets one serial port, which is its console and the only thing that
// leaves it: no network, no display, and no disk unless the caller gives one. The kernel is told to reset the
// machine when it panics and QEMU to exit on a reset, so a boot ends by itself
// whether it powers off, reboots or panics; whatever else it does, the timeout
// or the context ends it, and no process is left behind.
package qemu

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mkinitfs/mkinitfs/internal/arch"
)

// DefaultTimeout is how long a boot may take unless the caller says otherwise.
const DefaultTimeout = time.Minute

// Machine is what to boot and on what. Kernel and Image are needed, the zero
// value of the rest is useful.
type Machine struct {
	Arch      string         // as in GOARCH; a variant ("arm/v7") is ignored; "" is this machine's
	Kernel    string         // path of the kernel
	Image     string         // path of the initramfs image
	Append    string         // words for the kernel, after our own
	Devices   []string       // that the board lacks, as for QEMU's -device
	Disk      string         // file that a PC has as /dev/vda, which stays as it is; "" is no disk
	MemoryMiB int            // 0 is 256, or more where the architecture needs it
	CPUs      int            // 0 is 1
	Timeout   time.Duration  // 0 is DefaultTimeout
	Expect    *regexp.Regexp // ends the boot with the first line that it matches
	Typed     []Typed        // what is typed on the console, in this order
	Console   io.Writer      // gets the serial output as it comes; may be nil
	NoConsole bool           // /dev/console cannot be opened in the guest; the kernel's log still comes
	NoKVM     bool           // emulates the machine even where KVM works
	Counted   bool           // the guest's clock counts what its one CPU executes, a nanosecond an instruction
}

// Typed is text that goes to the guest once a line, whole or not, matches Prompt.
type Typed struct {
	Prompt *regexp.Regexp
	Text   string
}

// Result is the end of a boot. Without Matched, Panicked and ExitedByItself the time was up.
type Result struct {
	Output         []byte // the serial output, without carriage returns
	Matched        bool   // a line matched Machine.Expect
	Panicked       bool   // the kernel printed its panic line
	ExitedByItself bool   // the guest powered off or reset the machine
	Elapsed        time.Duration

	expect *regexp.Regexp
}

// Err is nil if the boot went well: with Machine.Expect, a line matched; else
// the guest put something on its console and then powered off or rebooted
// without a panic.
func (r *Result) Err() error {
	switch {
	case r.Matched:
		return nil
	case r.Panicked && r.expect != nil:
		return fmt.Errorf("the kernel panicked: %s\n  no line before matches %q", r.panicLine(), r.expect)
	case r.Panicked:
		return fmt.Errorf("the kernel panicked: %s", r.panicLine())
	case !r.ExitedByItself && r.expect != nil:
		return fmt.Errorf("still running after %s, without a line that matches %q", r.Elapsed.Round(time.Second/10), r.expect)
	case !r.ExitedByItself:
		return fmt.Errorf("still running after %s", r.Elapsed.Round(time.Second/10))
	case r.expect != nil:
		return fmt.Errorf("ended without a line that matches %q", r.expect)
	case len(bytes.TrimSpace(r.Output)) == 0:
		// A kernel that cannot even start resets the machine in silence.
		return errors.New("ended without a word on the console\n  Is it a kernel for this machine, and has the machine memory enough?")
	}
	return nil
}

// panicLine returns what the kernel said after its timestamp.
func (r *Result) panicLine() string {
	at := bytes.Index(r.Output, kernelPanic)
	line, _, _ := bytes.Cut(r.Output[at:], []byte{'\n'})
	return string(line)
}

// Runnable tells whether there is an emulator for m.Arch here.
func (m Machine) Runnable() error {
	b, err := board(m.Arch)
	if err != nil {
		return err
	}
	if _, err := exec.LookPath(b.Binary); err != nil {
		return fmt.Errorf("boot for %s: %w\n  Debian and Ubuntu have it in the package %s", m.Arch, err, b.Package)
	}
	return nil
}

// Boot runs m until it ends. The error is the reason why it did not run to an end, also if ctx
// ended it, and the Result then holds the output so far. [Result.Err] says how the boot ended.
func (m Machine) Boot(ctx context.Context) (*Result, error) {
	if m.Arch == "" {
		m.Arch = runtime.GOARCH
	}
	if m.Timeout == 0 {
		m.Timeout = DefaultTimeout
	}
	if err := m.Runnable(); err != nil {
		return nil, err
	}
	b, _ := arch.BoardOf(m.Arch)
	// QEMU's own words for these vary with the board.
	for _, path := range []string{m.Kernel, m.Image} {
		if err := readable(path); err != nil {
			return nil, err
		}
	}
	if err := m.checkKernel(); err != nil {
		return nil, err
	}

	accel := tcgArgs
	switch {
	case m.Counted:
		accel = countedArgs
	case !m.NoKVM && m.kvmRuns(ctx, b):
		accel = kvmArgs
	}
	return m.run(ctx, b.Binary, append(m.args(b), accel...))
}

func (m Machine) run(ctx context.Context, binary string, args []string) (*Result, error) {
	running, stop := context.WithTimeout(ctx, m.Timeout)
	defer stop()

	serial := &console{tee: m.Console, expect: m.Expect, typed: m.Typed, stop: stop}
	var complaints bytes.Buffer
	qemu := exec.CommandContext(running, binary, args...)
	if len(m.Typed) > 0 {
		keys, err := qemu.StdinPipe()
		if err != nil {
			return nil, err
		}
		serial.keys = keys
	}
	qemu.Stdout = serial
	qemu.Stderr = &complaints
	ownGroup(qemu)

	start := time.Now()
	err := qemu.Run()
	serial.end()
	ended := qemu.ProcessState != nil && qemu.ProcessState.Success()
	result := &Result{
		Output:         serial.log.Bytes(),
		Matched:        serial.matched,
		Panicked:       serial.panicked,
		ExitedByItself: ended,
		Elapsed:        time.Since(start),
		expect:         m.Expect,
	}
	switch {
	case serial.err != nil:
		return result, fmt.Errorf("pass on the serial output: %w", serial.err)
	case ended:
		return result, nil
	case ctx.Err() != nil:
		return result, fmt.Errorf("boot %q: %w", m.Image, context.Cause(ctx))
	case running.Err() != nil:
		return result, nil // we ended it
	}
	return result, fmt.Errorf("boot %q: %s: %w\n%s", m.Image, binary, err, bytes.TrimSpace(complaints.Bytes()))
}

// args returns QEMU's arguments except for the accelerator.
func (m Machine) args(b arch.Board) []string {
	cpus := cmp.Or(m.CPUs, 1)
	args := append(b.Args[:len(b.Args):len(b.Args)],
		"-m", strconv.Itoa(m.Memory()),
		"-smp", strconv.Itoa(cpus),
		"-display", "none", "-vga", "none",
		"-monitor", "none", "-serial", "stdio",
		"-nic", "none", "-no-reboot",
		"-kernel", m.Kernel,
		"-append", m.words(b),
	)
	if m.Image != "" {
		args = append(args, "-initrd", m.Image)
	}
	for _, device := range m.Devices {
		args = append(args, "-device", device)
	}
	if m.Disk != "" {
		args = append(args, "-drive", "if=virtio,format=raw,snapshot=on,file="+strings.ReplaceAll(m.Disk, ",", ",,"))
	}
	return args
}

// Memory is how much RAM the machine has, in MiB; 0 if no machine is known for its
// architecture.
func (m Machine) Memory() int {
	b, _ := arch.BoardOf(cmp.Or(m.Arch, runtime.GOARCH))
	return cmp.Or(m.MemoryMiB, b.MemoryMiB)
}

// words returns the kernel's command line. panic=-1 resets at once.
func (m Machine) words(b arch.Board) string {
	console := "console=" + b.Console
	if m.NoConsole {
		// No driver is called null, so no console gets one. What keeps printing
		// then is a boot console, which has no tty to open.
		console = "console=null " + b.Early
	}
	return strings.TrimSpace(console + " panic=-1 " + b.Words + " " + m.Append)
}

// ownGroup makes cmd lead a process group that its context kills as a whole,
// so that nothing is left of a QEMU behind a wrapper script. The terminal's
// Ctrl-C does not reach that group: only the context ends it, or our own death.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

func readable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return f.Close()
}
