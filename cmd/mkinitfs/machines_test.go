package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/arch"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// machine is a kernel to boot, for images of one architecture.
type machine struct {
	kernel string // as kernel.sh calls it
	arch   string // as in a manifest
	memory int    // MiB; 0 is 256
	always bool   // not only in "make test-all"
}

// machines are the kernels of Debian that QEMU boots, from the oldest available to the
// newest.
var machines = []machine{
	{kernel: "amd64-5.10", arch: "amd64"},
	{kernel: "amd64", arch: "amd64"},
	{kernel: "amd64-6.12", arch: "amd64"},
	{kernel: "amd64-sid", arch: "amd64", always: true},
	{kernel: "amd64-bpo", arch: "amd64"},
	{kernel: "386-5.10", arch: "386"},
	{kernel: "386", arch: "386"},
	{kernel: "arm-5.10", arch: "arm/v7"},
	{kernel: "arm", arch: "arm/v5"},
	{kernel: "arm", arch: "arm/v6"},
	{kernel: "arm", arch: "arm/v7"},
	{kernel: "arm-sid", arch: "arm/v7"},
	{kernel: "arm64-5.10", arch: "arm64"},
	{kernel: "arm64", arch: "arm64"},
	{kernel: "arm64-sid", arch: "arm64"},
	{kernel: "arm64-16k", arch: "arm64"},
	{kernel: "mipsle", arch: "mipsle", memory: 64, always: true},
	{kernel: "mips64le", arch: "mips64le"},
	{kernel: "ppc64le", arch: "ppc64le", memory: 512},
	{kernel: "ppc64le-sid", arch: "ppc64le", memory: 512},
	{kernel: "riscv64-6.12", arch: "riscv64"},
	{kernel: "riscv64", arch: "riscv64"},
	{kernel: "s390x", arch: "s390x"},
	{kernel: "s390x-sid", arch: "s390x"},
}

// TestBootMachines boots kernels and architectures that the other tests do not. Each boots
// the hello example, and a root with every type of item in every root type. "make test-all"
// boots all of machines.
func TestBootMachines(t *testing.T) {
	t.Parallel()
	codecs := deal(machines, compress.Names())
	for _, m := range machines {
		t.Run(m.kernel+" "+m.arch, func(t *testing.T) {
			t.Parallel()
			if !m.always {
				testenv.Matrix(t)
			}
			for _, codec := range codecs[m] {
				t.Run("tmpfs "+codec, func(t *testing.T) { m.bootRoot(t, "tmpfs", codec) })
			}
			t.Run("bind", func(t *testing.T) { m.bootRoot(t, "bind", "") })
			t.Run("hello", func(t *testing.T) {
				testenv.Matrix(t)
				m.bootHello(t)
			})
			if m.arch == "amd64" { // once for each release
				t.Run("none", func(t *testing.T) {
					testenv.Matrix(t)
					m.bootRoot(t, "none", "")
				})
			}
		})
	}
}

// deal spreads the payload codecs over machines of the same word size and byte
// order, so that each is decoded on each kind of machine.
func deal(machines []machine, codecs []string) map[machine][]string {
	alike := map[string][]machine{}
	for _, m := range machines {
		kind := "64-bit"
		switch {
		case arch.Is32(m.arch):
			kind = "32-bit"
		case m.arch == "s390x":
			kind = "64-bit big-endian"
		}
		alike[kind] = append(alike[kind], m)
	}
	dealt := map[machine][]string{}
	for _, machines := range alike {
		for i := range max(len(machines), len(codecs)) {
			m := machines[i%len(machines)]
			dealt[m] = append(dealt[m], codecs[i%len(codecs)])
		}
	}
	return dealt
}

// bootRoot boots a root with every type of item. Every entry must be as planned.
func (m machine) bootRoot(t *testing.T, root, codec string) {
	t.Parallel()
	c := m.cell(t, root, codec)
	settings := "type: " + root
	if codec != "" {
		settings += ", payload: " + codec
	}
	lines := []string{"arch: " + m.arch, "root: {" + settings + "}"}
	if root != "none" {
		lines = append([]string{xattrItems(t)}, lines...)
	}
	img, _ := buildImage(t, sizedManifest(t, 40, lines...))
	got, log := bootGuest(t, img, c.qemu)

	want := expected(t, img)
	if root != "tmpfs" {
		want = withKernelDir(want, got)
	}
	compare(t, want, got)
	if root != "none" {
		compareRaw(t, got)
	}

	pivots := c.linux() >= 7 // rootfs can be pivoted from as it is
	pivot := ""
	if root == "none" && !pivots {
		pivot = "pivot_root: invalid argument"
	}
	if got.Pivot != pivot {
		t.Errorf("got %q of pivot_root, want %q", got.Pivot, pivot)
	}
	line := map[string]string{"tmpfs": "tmpfs root (", "bind": "root bound onto itself"}[root]
	if root == "bind" && pivots {
		line = "root left where it is, since it can be pivoted from"
	}
	if root != "none" && !strings.Contains(log, "mkinitfs: "+line) {
		t.Errorf("no line with %q in the log:\n%s", line, log)
	}
}

// bootHello boots the hello example.
func (m machine) bootHello(t *testing.T) {
	t.Parallel()
	c := m.cell(t, "tmpfs", "auto")
	img := filepath.Join(t.TempDir(), "hello.img")
	cmd := exec.Command(commandPath(t), "build", repository(t)+"/examples/hello/hello.yaml", "--arch", m.arch, "-o", img)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	result := boot(t, img, c.qemu)
	if err := result.Err(); err != nil || !strings.Contains(string(result.Output), "hello from process 1, /hello: a root of its own") {
		t.Errorf("got error %v and no word from the example:\n%s", err, result.Output)
	}
}

// TestBootContainers runs a container with pivot_root(2) by runc and by crun. Before
// Linux 7.0 that must fail on a plain initramfs.
func TestBootContainers(t *testing.T) {
	t.Parallel()
	testenv.Matrix(t)
	for _, m := range machines {
		if m.arch != "amd64" {
			continue
		}
		m.memory = 1024
		for _, root := range []string{"tmpfs", "bind", "none"} {
			t.Run(m.kernel+" "+root, func(t *testing.T) {
				t.Parallel()
				c := m.cell(t, root, "")
				c.qemu.CPUs = 2
				img, _ := buildImage(t, containersManifest(t, root))
				log := string(boot(t, img, c.qemu).Output)
				wants := []string{"runc: exit status 0", "crun: exit status 0"}
				if root == "none" && c.linux() < 7 {
					wants = []string{"pivot_root .: invalid argument", "runc: exit status 1", "pivot_root: Invalid argument", "crun: exit status 1"}
				} else if n := strings.Count(log, "\nhello from a container\n"); n != 2 {
					t.Errorf("got %d words from containers, want 2", n)
				}
				for _, want := range wants {
					if !strings.Contains(log, want) {
						t.Errorf("no %q on the console", want)
					}
				}
				if t.Failed() {
					t.Logf("%s", log)
				}
			})
		}
	}
}

// containersManifest is the example debian-runc with crun beside runc.
func containersManifest(t *testing.T, root string) string {
	t.Helper()
	return `version: 1
arch: amd64
root: {type: ` + root + `}
init: {exec: /init}
contents:
  - {type: tar, src: "` + testenv.DebianRoot(t) + `"}
  - type: file
    dst: /init
    mode: 0755
    content: |
      #!/bin/sh
      mount -t proc proc /proc
      mount -t sysfs sysfs /sys
      mount -t cgroup2 cgroup2 /sys/fs/cgroup
      mount -t tmpfs tmpfs /run
      for runtime in runc crun; do
        $runtime run --bundle /container hello
        echo "$runtime: exit status $?"
      done
      busybox poweroff -f
  - {type: file, src: "` + repository(t) + `/examples/debian-runc/config.json", dst: /container/config.json}
  - {type: dir, dst: /container/rootfs/proc}
  - {type: hardlink, dst: /container/rootfs/bin/busybox, target: /bin/busybox}
`
}
