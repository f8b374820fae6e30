package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// bootModules boots Debian's kernel for PCs with two network cards, for which it has modules.
func bootModules(t *testing.T, manifest, words string, typed ...string) (*qemu.Result, string) {
	t.Helper()
	testenv.Boots(t)
	testenv.Tool(t, "qemu-system-x86_64")
	img, _ := buildImage(t, "version: 1\narch: amd64\n"+manifest)
	return bootCards(t, img, words, typed...)
}

// bootCards boots an image on the machine of bootModules.
func bootCards(t *testing.T, img, words string, typed ...string) (*qemu.Result, string) {
	t.Helper()
	m := qemu.Machine{
		Arch: "amd64", Kernel: testenv.Kernel(t, "amd64-pc"), Append: words, Devices: []string{"virtio-net-pci", "e1000"},
	}
	for _, line := range typed {
		m.Typed = append(m.Typed, qemu.Typed{Prompt: regexp.MustCompile(`^/ # `), Text: line + "\n"})
	}
	result := boot(t, img, m)
	return result, string(result.Output)
}

// cards are the modules of most tests here.
const cards = "modules: [virtio_pci, virtio_net, e1000, overlay, nf_tables, kvm-intel]"

// moduleItems are the contents of a root with busybox, an init script and modules, for which keys
// are the keys of the item.
func moduleItems(t *testing.T, script, keys string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "init")
	writeFile(t, file, []byte("#!/bin/busybox sh\n"+script+"/bin/busybox poweroff -f\n"))
	return fmt.Sprintf(`contents:
  - {type: file, src: %q, dst: /bin/busybox, mode: 0755, links: [/bin/sh]}
  - {type: file, src: %q, dst: /sbin/init, mode: 0755}
  - {type: modules, src: %q, %s}
  - {type: dir, dst: /lower/bin}
  - {type: file, dst: /lower/seen, content: "through the overlay\n"}
`, testenv.Busybox(t, "amd64"), file, testenv.KernelModules(t), keys)
}

// interfaces is a script that prints the network interfaces and the loaded modules.
const interfaces = `for i in /sys/class/net/*; do echo "@@ interface ${i##*/} of $(/bin/busybox readlink $i/device/driver)"; done
/bin/busybox sed -n 's/^\(nf_tables\|overlay\) .*/@@ module \1/p' /proc/modules
`

// wantInterfaces checks that both cards have their drivers.
func wantInterfaces(t *testing.T, result *qemu.Result, log string, more ...string) {
	t.Helper()
	if err := result.Err(); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	for _, want := range append([]string{
		`@@ interface \S+ of .*/virtio_net`, `@@ interface \S+ of .*/e1000`, `@@ module nf_tables`, `@@ module overlay`,
	}, more...) {
		if !regexp.MustCompile(`(?m)` + want + `$`).MatchString(log) {
			t.Errorf("got no line %s in\n%s", want, log)
		}
	}
}

// TestBootModulesExample boots the example: the drivers of both cards are there without modprobe,
// and so is a mount of a file system that comes with a module.
func TestBootModulesExample(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	testenv.Tool(t, "qemu-system-x86_64")
	for _, root := range []string{"tmpfs", "bind"} {
		t.Run(root, func(t *testing.T) {
			if root != "tmpfs" {
				testenv.Matrix(t)
			}
			img := filepath.Join(t.TempDir(), "modules.img")
			status, _, words := mkinitfs("build", filepath.Join(repository(t), "examples/kernel-modules/kernel-modules.yaml"), "-o", img, "--no-cache",
				"-D", "modules="+testenv.KernelModules(t), "-D", "busybox="+testenv.Busybox(t, "amd64"), "-D", "type="+root)
			if status != 0 {
				t.Fatalf("build: exit status %d\n%s", status, words)
			}
			result, log := bootCards(t, img, "")
			if err := result.Err(); err != nil {
				t.Fatalf("%v\n%s", err, log)
			}
			for _, want := range []string{" is driven by virtio_net\n", " is driven by e1000\n", "\noverlay of site\n"} {
				if !strings.Contains(log, want) {
					t.Errorf("got no line %q in\n%s", want, log)
				}
			}
		})
	}
}

// TestBootModules loads the drivers of both cards without modprobe. A mount of a file system that
// comes with a module is made afterwards, and a mount below it. A module without its hardware is
// a warning.
func TestBootModules(t *testing.T) {
	t.Parallel()
	testenv.Matrix(t)
	manifest := `init:
  modules: [virtio_pci, virtio_net, {name: e1000, required: true}, nf_tables, overlay, kvm_intel]
  mounts:
    - proc
    - sys
    - {type: overlay, target: /merged, options: "lowerdir=/lower:/sbin"}
    - {type: tmpfs, target: /merged/bin}
    - run
` + moduleItems(t, interfaces+"/bin/busybox cat /merged/seen\n/bin/busybox grep -c ' /merged' /proc/mounts\n", cards)
	for _, root := range []string{"tmpfs", "bind"} {
		t.Run(root, func(t *testing.T) {
			result, log := bootModules(t, "root: {type: "+root+"}\n"+manifest, "")
			wantInterfaces(t, result, log, "^through the overlay", "^2", "mkinitfs: load /lib/modules/.*/kvm-intel.ko: operation not supported")
		})
	}
}

// TestBootModulesFirmware loads a module that asks for firmware at once. The kernel finds it in the
// new root: it complains about what is in the file.
func TestBootModulesFirmware(t *testing.T) {
	t.Parallel()
	testenv.Matrix(t)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "regulatory.db"), []byte("no database"))
	writeFile(t, filepath.Join(dir, "regulatory.db.p7s"), []byte("no signature"))
	items := moduleItems(t, "/bin/busybox sleep 1\n", fmt.Sprintf("modules: [cfg80211], firmware: {src: %q, missing: error}", dir))
	result, log := bootModules(t, "init: {modules: [cfg80211]}\n"+items, "")
	if err := result.Err(); err != nil || !strings.Contains(log, "cfg80211: loaded regulatory.db is malformed") {
		t.Errorf("got error %v, want a complaint about regulatory.db:\n%s", err, log)
	}
}

// TestBootModprobe loads the same modules with the modprobe of busybox, and with that of kmod,
// which reads only the indexes. busybox ignores soft dependencies: the kernel itself calls
// /sbin/modprobe for the alias crypto-crc32c.
func TestBootModprobe(t *testing.T) {
	t.Parallel()
	testenv.Matrix(t)
	load := "for m in virtio_pci virtio_net e1000 overlay nf_tables; do %s $m; done\n/bin/busybox sleep 1\n" + interfaces
	t.Run("busybox", func(t *testing.T) {
		manifest := "init: {mounts: [proc, sys]}\n" + moduleItems(t, fmt.Sprintf(load, "/sbin/modprobe"), cards) +
			"  - {type: hardlink, dst: /sbin/modprobe, target: /bin/busybox}\n"
		result, log := bootModules(t, manifest, "")
		wantInterfaces(t, result, log)
	})
	t.Run("kmod", func(t *testing.T) {
		manifest := "init: {mounts: [proc, sys]}\n" + moduleItems(t, fmt.Sprintf(load, "/bin/modprobe"), cards) + kmodItems(t)
		result, log := bootModules(t, manifest, "")
		wantInterfaces(t, result, log)
	})
}

// kmodItems returns items with this machine's modprobe and its libraries.
func kmodItems(t *testing.T) string {
	t.Helper()
	const modprobe = "/sbin/modprobe"
	if _, err := os.Stat(modprobe); err != nil {
		testenv.Missing(t, "%v (the package kmod has it)", err)
	}
	out, err := exec.Command(testenv.Tool(t, "ldd"), modprobe).Output()
	if err != nil {
		testenv.Missing(t, "ldd: %v", err)
	}
	items := fmt.Sprintf("  - {type: file, src: %q, dst: /bin/modprobe, mode: 0755, follow: true}\n", modprobe)
	for _, library := range regexp.MustCompile(`(?m)(/\S+) \(0x`).FindAllStringSubmatch(string(out), -1) {
		items += fmt.Sprintf("  - {type: file, src: %q, dst: %q, follow: true}\n", library[1], library[1])
	}
	return items
}

// TestBootModulesFail boots without a required module, and stops in a shell before modules are
// loaded.
func TestBootModulesFail(t *testing.T) {
	t.Parallel()
	testenv.Matrix(t)
	items := moduleItems(t, "echo @@ started\n", cards)
	t.Run("required", func(t *testing.T) {
		result, log := bootModules(t, "init: {modules: [{name: kvm_intel, required: true}]}\n"+items, "")
		const want = "mkinitfs: load modules: load /lib/modules/"
		if !result.Panicked || !strings.Contains(log, want) || !strings.Contains(log, "kvm-intel.ko: operation not supported") {
			t.Errorf("got no panic after %s in\n%s", want, log)
		}
	})
	t.Run("file system", func(t *testing.T) {
		manifest := "init: {modules: [e1000], mounts: [{type: nofs, target: /merged}, run]}\n" + items
		result, log := bootModules(t, manifest, "")
		const want = "mkinitfs: load modules: mount nofs on /merged: no such device"
		if !result.Panicked || !strings.Contains(log, want) {
			t.Errorf("got no panic after %s in\n%s", want, log)
		}
	})
	t.Run("break", func(t *testing.T) {
		manifest := "init: {modules: [e1000], mounts: [proc, sys]}\n" + moduleItems(t, "/bin/busybox sed -n 's/^e1000 .*/@@ then e1000/p' /proc/modules\n", cards)
		result, log := bootModules(t, manifest, "mkinitfs.break=modules", "echo before $(/bin/busybox grep -c e1000 /proc/modules)", "exit")
		if err := result.Err(); err != nil || !strings.Contains(log, "\nbefore 0\n") || !strings.Contains(log, "\n@@ then e1000\n") {
			t.Errorf("got error %v, want e1000 after the shell:\n%s", err, log)
		}
	})
}
