//go:build linux

package container

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/stub/bootplan"
)

type device struct{ major, minor uint32 }

// special is a device node that a process may have anywhere.
type special struct {
	name string
	device
	mode uint32
}

var nodes = []special{
	{"null", device{1, 3}, 0o666}, {"zero", device{1, 5}, 0o666}, {"full", device{1, 7}, 0o666},
	{"random", device{1, 8}, 0o666}, {"urandom", device{1, 9}, 0o666}, {"tty", device{5, 0}, 0o666},
}

var console = special{"console", device{5, 1}, 0o600}

// node is a path of the root and the node of the host that is bound to it, without
// its first slash.
type node struct{ path, source string }

// mounts makes the mounts of the plan, and that of /proc without which little
// works. The host's root is the working folder. One that cannot be made is said
// and left out: the program may do without.
func (in *inside) mounts() error {
	for _, n := range in.tree.lent {
		if err := bind(n.source, n.path); err != nil {
			return err
		}
	}
	var list []bootplan.Mount
	if in.tree.plan != nil {
		list = in.tree.plan.Mounts
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
	return nil
}

func (in *inside) mount(m bootplan.Mount) error {
	if err := os.MkdirAll(m.Target, 0o755); err != nil {
		return err
	}
	flags, data := mountOptions(m.Options)
	switch m.Type {
	case "devtmpfs":
		return in.mountDev(m.Target)
	case "sysfs", "cgroup2", "cgroup":
		// These are the host's own, whoever mounts them.
		flags |= unix.MS_RDONLY
	}
	err := unix.Mount(m.Source, m.Target, m.Type, flags, data)
	if err != nil && !in.exact {
		switch m.Type {
		case "sysfs": // for the owner of the network namespace only
			return unix.Mount("sys", m.Target, "", unix.MS_BIND|unix.MS_REC, "")
		case "devpts": // there may be no such group
			return unix.Mount(m.Source, m.Target, m.Type, flags, without(data, "gid"))
		}
	}
	if err == nil && flags&unix.MS_BIND != 0 && flags&^(unix.MS_BIND|unix.MS_REC) != 0 {
		// Binding ignores all other flags, so that ro takes a second step.
		return unix.Mount("", m.Target, "", unix.MS_REMOUNT|flags&^unix.MS_REC, "")
	}
	return err
}

// mountDev mounts a /dev of its own in the place of the one that all of a machine
// shares, where removing a node would remove the host's.
func (in *inside) mountDev(target string) error {
	if err := unix.Mount("dev", target, "tmpfs", unix.MS_NOSUID, "mode=0755"); err != nil {
		return err
	}
	all := nodes
	if _, ok := in.bound[console.device]; ok || in.exact {
		all = append(slices.Clip(all), console)
	}
	for _, n := range all {
		path := filepath.Join(target, n.name)
		source, ok := in.bound[n.device]
		if !ok {
			if err := unix.Mknod(path, unix.S_IFCHR|n.mode, int(unix.Mkdev(n.major, n.minor))); err != nil {
				return &os.PathError{Op: "mknod", Path: path, Err: err}
			}
			continue
		}
		if err := os.WriteFile(path, nil, os.FileMode(n.mode)); err != nil {
			return err
		}
		if err := bind(source, path); err != nil {
			return err
		}
	}
	return os.Symlink("pts/ptmx", filepath.Join(target, "ptmx"))
}

func bind(source, path string) error {
	if err := unix.Mount(source, path, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind /%s of the host to %s: %w", source, path, err)
	}
	return nil
}

// mountFlags are the options that mount(2) takes as flags, by their names in
// mount(8), as the stub knows them.
var mountFlags = map[string]uintptr{
	"ro": unix.MS_RDONLY, "nosuid": unix.MS_NOSUID, "nodev": unix.MS_NODEV, "noexec": unix.MS_NOEXEC,
	"sync": unix.MS_SYNCHRONOUS, "dirsync": unix.MS_DIRSYNC, "noatime": unix.MS_NOATIME,
	"nodiratime": unix.MS_NODIRATIME, "relatime": unix.MS_RELATIME, "strictatime": unix.MS_STRICTATIME,
	"bind": unix.MS_BIND, "rbind": unix.MS_BIND | unix.MS_REC,
	"rw": 0, "defaults": 0, "suid": 0, "dev": 0, "exec": 0, "async": 0, "atime": 0,
}

// mountOptions splits options into flags and what the file system reads itself.
func mountOptions(options string) (flags uintptr, data string) {
	var rest []string
	for o := range strings.SplitSeq(options, ",") {
		flag, ok := mountFlags[o]
		flags |= flag
		if !ok {
			rest = append(rest, o)
		}
	}
	return flags, strings.Join(rest, ",")
}

// without returns options without the one called name.
func without(options, name string) string {
	list := strings.Split(options, ",")
	list = slices.DeleteFunc(list, func(o string) bool { return strings.HasPrefix(o, name+"=") })
	return strings.Join(list, ",")
}
