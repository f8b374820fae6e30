//go:build linux

package container

import (
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// lendNodes binds device nodes of the host to their paths in the image.
func (in *inside) lendNodes() {
	for _, name := range slices.Sorted(maps.Keys(in.lent)) {
		dir, err := resolve(path.Dir(name))
		if err != nil {
			in.say("%v; left out", err)
			continue
		}
		at := path.Join(dir, path.Base(name))
		if info, err := os.Lstat(at); err != nil || !info.Mode().IsRegular() {
			continue // something later in the image took its place
		}
		if err := in.stage.lend(in.stage.nodes[in.lent[name]], at); err != nil {
			in.say("%v; left out", err)
		}
	}
}

// mounts makes the mounts of the plan, and that of /proc, because little works without it. A
// mount that fails is a warning: the program may do without.
func (in *inside) mounts() {
	in.lendNodes()
	var list []bootplan.Mount
	if in.plan != nil {
		list = in.plan.Mounts
	}
	if !slices.ContainsFunc(list, func(m bootplan.Mount) bool { return m.Target == "/proc" }) {
		proc := bootplan.Mount{Type: "proc", Source: "proc", Target: "/proc", Options: "nosuid,nodev,noexec"}
		list = append([]bootplan.Mount{proc}, list...)
	}
	for _, m := range list {
		if err := in.mount(m); err != nil {
			in.say("%v; left out", fmt.Errorf("mount %s on %s: %w", m.Type, m.Target, err))
		}
	}
}

func (in *inside) mount(m bootplan.Mount) error {
	target, err := resolveDir(m.Target)
	if err != nil {
		return err
	}
	flags, data := bootplan.MountOptions(m.Options)
	source := m.Source
	if flags&unix.MS_BIND != 0 || strings.HasPrefix(source, "/") { // else it is a word
		if source, err = resolve(source); err != nil {
			return err
		}
	}
	switch m.Type {
	case "devtmpfs":
		return in.mountDev(target)
	case "sysfs", "cgroup2", "cgroup":
		// These are the host's own, whoever mounts them.
		flags |= unix.MS_RDONLY
	}
	if slices.Contains(machineWide, m.Type) {
		return in.mountMachineWide(m.Type, target, flags, data)
	}
	err = unix.Mount(source, target, m.Type, flags, data)
	if err != nil && !in.user.Exact() {
		switch {
		case m.Type == "sysfs" && in.stage.sys: // for the owner of the network namespace only
			return in.stage.lend("sys", target)
		case m.Type == "devpts": // there may be no such group
			return unix.Mount(source, target, m.Type, flags, without(data, "gid"))
		}
	}
	if again, needed := bootplan.BindFlags(flags); err == nil && needed {
		return unix.Mount("", target, "", again, "")
	}
	return err
}

// machineWide are other file systems that exist once a machine. Unlike with sysfs, the flags
// and options of one mount change all mounts of such a file system (mount_single and
// reconfigure_single in the kernel).
var machineWide = []string{
	"binfmt_misc", "configfs", "debugfs", "efivarfs", "fusectl", "nfsd", "pstore", "resctrl", "securityfs", "selinuxfs", "smackfs", "tracefs",
}

// mountMachineWide mounts such a file system read-only, without changing the mounts of the
// host.
func (in *inside) mountMachineWide(kind, target string, flags uintptr, data string) error {
	if data != "" {
		return fmt.Errorf("options %q would change the host's %s", data, kind)
	}
	if err := unix.Mount(kind, target, kind, flags&^unix.MS_RDONLY, ""); err != nil {
		return err
	}
	if flags&unix.MS_RDONLY == 0 {
		in.say("%s on %s is the host's: mounted read-only", kind, target)
	}
	return unix.Mount("", target, "", flags|unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
}

// mountDev mounts a separate /dev. devtmpfs is shared by the whole machine: removing a node in
// it would remove the host's.
func (in *inside) mountDev(target string) error {
	if err := unix.Mount("dev", target, "tmpfs", unix.MS_NOSUID, "mode=0755"); err != nil {
		return err
	}
	all := nodes
	if _, ok := in.stage.nodes[console.Device]; ok || in.user.Exact() {
		all = append(slices.Clip(all), console)
	}
	for _, n := range all {
		if err := in.makeNode(n, path.Join(target, n.name)); err != nil {
			in.say("%v; left out", err)
		}
	}
	return os.Symlink("pts/ptmx", path.Join(target, "ptmx"))
}

// makeNode makes a device node, or a file that the host's is bound to.
func (in *inside) makeNode(n special, at string) error {
	lent, ok := in.stage.nodes[n.Device]
	if !ok {
		if err := unix.Mknod(at, unix.S_IFCHR, int(unix.Mkdev(n.Major, n.Minor))); err != nil {
			return &os.PathError{Op: "mknod", Path: at, Err: err}
		}
		return os.Chmod(at, os.FileMode(n.mode))
	}
	if err := os.WriteFile(at, nil, os.FileMode(n.mode)); err != nil {
		return err
	}
	return in.stage.lend(lent, at)
}

// without returns options without the one called name.
func without(options, name string) string {
	list := strings.Split(options, ",")
	list = slices.DeleteFunc(list, func(o string) bool { return strings.HasPrefix(o, name+"=") })
	return strings.Join(list, ",")
}
