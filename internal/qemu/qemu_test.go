package qemu_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestBoot shows each way in which a boot can end. The image is packed by the
// system's cpio: this package is what other tests trust, so it uses nothing of
// ours.
func TestBoot(t *testing.T) {
	kernel := testenv.Kernel(t, "amd64")
	testenv.Tool(t, "qemu-system-x86_64")
	image := helloImage(t)

	tests := []struct {
		name     string
		machine  qemu.Machine
		matched  bool
		panicked bool
		exited   bool
		output   string // has to be in the output
		err      string // has to be in the error; "" is a boot that went well
	}{
		{
			name:    "power off",
			machine: qemu.Machine{Append: "poweroff", CPUs: 2},
			exited:  true,
			output:  "hello from process 1\n",
		},
		{
			name:    "counted",
			machine: qemu.Machine{Append: "poweroff", Counted: true},
			exited:  true,
			output:  "hello from process 1\n",
		},
		{
			name:    "expected line",
			machine: qemu.Machine{Append: "hang", Expect: regexp.MustCompile(`^hello from process \d`)},
			matched: true,
			output:  "hello from process 1",
		},
		{
			name:    "expected line does not come",
			machine: qemu.Machine{Append: "poweroff", Expect: regexp.MustCompile(`^goodbye`)},
			exited:  true,
			err:     `ended without a line that matches "^goodbye"`,
		},
		{
			name: "typed",
			machine: qemu.Machine{Append: "echo", Typed: []qemu.Typed{
				{Prompt: regexp.MustCompile(`^hello`), Text: "one\n"}, {Prompt: regexp.MustCompile(`^got one$`), Text: "two\n"},
			}},
			exited: true,
			output: "\ngot two\n",
		},
		{
			name:     "init exits",
			machine:  qemu.Machine{Append: "exit"},
			panicked: true,
			exited:   true,
			output:   "hello from process 1\n",
			err:      "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100",
		},
		{
			name:     "panic without a reset",
			machine:  qemu.Machine{Append: "panic=0 exit"},
			panicked: true,
			err:      "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100",
		},
		{
			name:    "hang",
			machine: qemu.Machine{Append: "hang", Timeout: 8 * time.Second},
			err:     "still running after",
		},
		{
			name:    "hang, expected line does not come",
			machine: qemu.Machine{Append: "hang", Timeout: 8 * time.Second, Expect: regexp.MustCompile(`^goodbye`)},
			err:     `s, without a line that matches "^goodbye"`,
		},
		{
			name:     "panic, expected line does not come",
			machine:  qemu.Machine{Append: "exit", Expect: regexp.MustCompile(`^goodbye`)},
			panicked: true,
			exited:   true,
			err:      "\n  no line before matches \"^goodbye\"",
		},
		{
			name:    "no console",
			machine: qemu.Machine{Append: "poweroff", NoConsole: true},
			// Without a console and /dev/null Go's runtime gives up before main.
			panicked: true,
			exited:   true,
			output:   "Warning: unable to open an initial console.",
			err:      "Attempted to kill init!",
		},
		{
			name:    "not a word",
			machine: qemu.Machine{Append: "poweroff console=tty0 quiet", MemoryMiB: 16},
			exited:  true,
			err:     "ended without a word on the console",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := test.machine
			m.Arch, m.Kernel, m.Image = "amd64", kernel, image
			m.NoKVM, m.Timeout = true, cmp.Or(m.Timeout, testenv.Timeout(t))
			defer testenv.Slot(t)()
			var tee bytes.Buffer
			m.Console = &tee

			got, err := m.Boot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got.Matched != test.matched || got.Panicked != test.panicked || got.ExitedByItself != test.exited {
				t.Errorf("got matched %t, panicked %t, exited %t, want %t, %t, %t",
					got.Matched, got.Panicked, got.ExitedByItself, test.matched, test.panicked, test.exited)
			}
			if !bytes.Contains(got.Output, []byte(test.output)) {
				t.Errorf("got output without %q", test.output)
			}
			switch err := got.Err(); {
			case test.err == "" && err != nil:
				t.Errorf("got error %q, want none", err)
			case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
				t.Errorf("got error %v, want one with %q", err, test.err)
			}
			// Console gets the end of a line that the output stops in.
			line := []byte{'\n'}
			if plain := bytes.ReplaceAll(tee.Bytes(), []byte{'\r'}, nil); !bytes.Equal(bytes.TrimSuffix(plain, line), bytes.TrimSuffix(got.Output, line)) {
				t.Errorf("got %d bytes on Console, want the %d of Output", len(plain), len(got.Output))
			}
			if t.Failed() {
				t.Logf("serial output:\n%s", got.Output)
			}
		})
	}
}

// TestCancel cancels a boot once the guest runs and then finds no QEMU that has
// the image on its command line.
func TestCancel(t *testing.T) {
	kernel := testenv.Kernel(t, "amd64")
	testenv.Tool(t, "qemu-system-x86_64")
	image := helloImage(t)

	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	seen := writerFunc(func(p []byte) (int, error) {
		cancel(cause)
		return len(p), nil
	})
	defer testenv.Slot(t)()
	m := qemu.Machine{Arch: "amd64", Kernel: kernel, Image: image, Append: "hang", Console: seen, Timeout: testenv.Timeout(t), NoKVM: true}
	result, err := m.Boot(ctx)
	if !errors.Is(err, cause) {
		t.Errorf("got error %v, want %v", err, cause)
	}
	if result.Matched || result.ExitedByItself {
		t.Errorf("got a boot that ended, want one cut short: %+v", result)
	}
	cmdlines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(cmdlines) == 0 {
		t.Fatalf("no processes in /proc (%v)", err)
	}
	for _, path := range cmdlines {
		if cmdline, _ := os.ReadFile(path); bytes.Contains(cmdline, []byte(image)) {
			t.Errorf("%s is still running: %q", path, cmdline)
		}
	}
}

func TestConsoleFails(t *testing.T) {
	kernel := testenv.Kernel(t, "amd64")
	testenv.Tool(t, "qemu-system-x86_64")
	full := writerFunc(func([]byte) (int, error) { return 0, io.ErrShortWrite })
	image := helloImage(t)
	defer testenv.Slot(t)()
	m := qemu.Machine{Arch: "amd64", Kernel: kernel, Image: image, Append: "hang", Console: full, Timeout: testenv.Timeout(t), NoKVM: true}
	if _, err := m.Boot(t.Context()); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("got error %v, want %v", err, io.ErrShortWrite)
	}
}

// TestCannotBoot needs no QEMU, and no working kernel except in its last case.
func TestCannotBoot(t *testing.T) {
	here := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(here, []byte("neither a kernel nor an image"), 0o600); err != nil {
		t.Fatal(err)
	}
	packed := here + ".gz"
	if err := os.WriteFile(packed, []byte("\x1f\x8b\x08"), 0o600); err != nil {
		t.Fatal(err)
	}
	qemuHere := t.TempDir()
	if path, err := exec.LookPath("qemu-system-x86_64"); err == nil {
		if err := os.Symlink(path, filepath.Join(qemuHere, "qemu-system-x86_64")); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name    string
		path    string
		machine qemu.Machine
		want    string
	}{
		{"architecture", "", qemu.Machine{Arch: "pdp11"}, `no machine is known for architecture "pdp11" (there are 386, amd64,`},
		{"no qemu", t.TempDir(), qemu.Machine{Arch: "arm/v7"}, "boot for arm/v7: exec: \"qemu-system-arm\": executable file not found in $PATH\n  Debian and Ubuntu have it in the package qemu-system-arm"},
		{"no kernel", qemuHere, qemu.Machine{Arch: "amd64", Kernel: here + ".not", Image: here}, "file.not: no such file or directory"},
		{"no image", qemuHere, qemu.Machine{Arch: "amd64", Kernel: here, Image: here + ".not"}, "file.not: no such file or directory"},
		{"not a kernel", qemuHere, qemu.Machine{Arch: "amd64", Kernel: here, Image: here}, here + ": is not a kernel that QEMU boots\n  such as the bzImage,"},
		{"a directory", qemuHere, qemu.Machine{Arch: "amd64", Kernel: qemuHere, Image: here}, qemuHere + ": is not a kernel that QEMU boots\n"},
		{"not of this machine", qemuHere, qemu.Machine{Arch: "amd64", Kernel: packed, Image: here}, "qemu-system-x86_64: exit status 1\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.path == qemuHere {
				testenv.Tool(t, "qemu-system-x86_64")
			}
			t.Setenv("PATH", test.path)
			_, err := test.machine.Boot(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
		})
	}
}

// TestKernelOfAnother gives a machine the first bytes of kernels that are not for it.
func TestKernelOfAnother(t *testing.T) {
	testenv.Tool(t, "qemu-system-x86_64")
	at := func(offset int, text string) string { return strings.Repeat("\x00", offset) + text }
	elf := func(class, data, machine string) string { return "\x7fELF" + class + data + at(12, machine) }
	for arch, header := range map[string]string{
		"386":      at(0x202, "HdrS") + at(0x30, "\x7e"),
		"arm":      at(0x24, "\x18\x28\x6f\x01"),
		"arm64":    at(0x38, "ARMd"),
		"mips":     elf("\x01", "\x02", "\x00\x08"),
		"mipsle":   elf("\x01", "\x01", "\x08\x00"),
		"mips64le": elf("\x02", "\x01", "\x08\x00"),
		"ppc64le":  elf("\x02", "\x01", "\x15\x00"),
		"riscv64":  at(0x38, "RSC\x05"),
		"loong64":  elf("\x02", "\x01", "\x02\x01"),
		"s390x":    at(0x10008, "S390EP"),
	} {
		file := filepath.Join(t.TempDir(), "vmlinuz")
		if err := os.WriteFile(file, []byte(header), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := qemu.Machine{Arch: "amd64", Kernel: file, Image: file}.Boot(t.Context())
		if want := file + ": is a kernel for " + arch + ", the machine is for amd64"; err == nil || err.Error() != want {
			t.Errorf("%s: got error %v, want %q", arch, err, want)
		}
	}
}

// helloImage packs testdata/init with the system's cpio.
func helloImage(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "init"), "./testdata/init")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	pack := exec.Command(testenv.Tool(t, "cpio"), "--quiet", "-o", "-H", "newc")
	pack.Dir = dir
	pack.Stdin = strings.NewReader("init\n")
	image, err := pack.Output()
	if err != nil {
		t.Fatalf("%v: %v", pack, err)
	}
	path := filepath.Join(dir, "hello.img")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
