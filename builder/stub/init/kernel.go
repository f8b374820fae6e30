//go:build linux

package main

import (
	"strings"
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// memory is /proc/meminfo in bytes.
type memory struct{ total, available, high int64 }

// mountInfo is one line of /proc/self/mountinfo.
type mountInfo struct{ id, parent, target, fstype string }

// askKernel reads what only /proc tells. Without /proc the stub goes on: then there is no
// command line, and sysinfo(2) tells the memory.
func (b *boot) askKernel() error {
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err == nil {
		unit := int64(info.Unit)
		b.memory = memory{int64(info.Totalram) * unit, int64(info.Freeram) * unit, int64(info.Totalhigh) * unit}
	}
	const proc = "/" + bootplan.Dir // needs nothing of its own on a rootfs that may be full
	if err := syscall.Mount("proc", proc, "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		b.warn("mount proc: " + err.Error() + "; the kernel's command line is not read")
		return nil
	}
	b.readMemory(proc + "/meminfo")
	if text, err := readFile(proc + "/self/mountinfo"); err == nil {
		b.mounts = parseMounts(string(text), proc)
	}
	b.args = arguments(proc + "/self/cmdline")
	if text, err := readFile(proc + "/cmdline"); err == nil && b.plan.Cmdline != "ignore" {
		b.words = parseCmdline(string(text))
		b.checkWords()
	}
	flags := 0
	if supervises {
		var err error
		if b.self, err = syscall.Open(proc+"/self", syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0); err != nil {
			return failure("open", proc+"/self", err)
		}
		flags = syscall.MNT_DETACH // it stays in use
	}
	return failure("unmount", proc, syscall.Unmount(proc, flags))
}

// readMemory takes MemAvailable (Linux 3.14), which excludes what rootfs holds and the
// kernel's reserves.
func (b *boot) readMemory(path string) {
	text, err := readFile(path)
	if err != nil {
		return
	}
	for _, line := range strings.Split(string(text), "\n") {
		f := fields(line)
		if len(f) < 2 {
			continue
		}
		n, _ := bootplan.ParseUint(f[1], 10)
		switch f[0] {
		case "MemTotal:":
			b.memory.total = n << 10
		case "MemAvailable:":
			b.memory.available = n << 10
		}
	}
}

// arguments returns the arguments of the process whose cmdline is at path.
func arguments(path string) []string {
	text, err := readFile(path)
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")[1:]
}

func parseMounts(text, except string) []mountInfo {
	var mounts []mountInfo
	for _, line := range strings.Split(text, "\n") {
		f := fields(line)
		dash := 6
		for dash < len(f) && f[dash] != "-" {
			dash++
		}
		if dash+1 >= len(f) || f[4] == except {
			continue
		}
		target, _ := bootplan.Unescape(f[4])
		mounts = append(mounts, mountInfo{id: f[0], parent: f[1], target: target, fstype: f[dash+1]})
	}
	return mounts
}

// canPivot reports whether pivot_root(2) works from /. It does not from the first mount of
// all, which is its own parent. From Linux 7.0 on rootfs lies on another mount.
func (b *boot) canPivot() bool {
	root := b.mountAt("/")
	return root != nil && root.id != root.parent
}
