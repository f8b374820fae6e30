//go:build linux

package container

import (
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/image"
)

// newroot is where the stage has the root that the image is unpacked into.
const newroot = "/newroot"

// stage is a root between the host's and the image's: a tmpfs that holds what the host
// lends and nothing else. The host's root is unmounted before the stage is used, so no
// path of the image can lead there. Two rules of the kernel ask for a stage: a mount can be
// bound only while it is in the namespace, and a user may mount proc only while another
// proc is visible.
type stage struct {
	dir   *os.File
	nodes map[image.Device]string // device nodes, by their names on the stage
	sys   bool                    // the host's /sys is there
}

func number(major, minor uint32) image.Device { return image.Device{Major: major, Minor: minor} }

// special is a device node that is safe in any root.
type special struct {
	name string
	image.Device
	mode uint32
}

var nodes = []special{
	{"null", number(1, 3), 0o666}, {"zero", number(1, 5), 0o666}, {"full", number(1, 7), 0o666},
	{"random", number(1, 8), 0o666}, {"urandom", number(1, 9), 0o666}, {"tty", number(5, 0), 0o666},
}

var console = special{"console", number(5, 1), 0o600}

// enterStage makes a stage this process's root and unmounts the host's. Unless this
// is exact root, the stage has what a user cannot make: device nodes and /sys.
func enterStage(exact bool) (*stage, error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, notAllowed(fmt.Errorf("part from the host's mounts: %w", err))
	}
	at := os.TempDir() // any directory will do: the mount is seen in this namespace only
	if err := unix.Mount("tmpfs", at, "tmpfs", 0, "mode=0755"); err != nil {
		return nil, notAllowed(fmt.Errorf("mount tmpfs on %s: %w", at, err))
	}
	if err := os.Chdir(at); err != nil {
		return nil, err
	}
	s := &stage{nodes: map[image.Device]string{}}
	if !exact {
		for _, n := range nodes {
			s.borrow("/dev/"+n.name, n.name, n.Device, n.Device)
		}
		s.sys = borrowSys() == nil
	}
	s.borrowTerminal()
	// A user may mount proc later only if this one is there. If it fails, so do those,
	// with an error.
	if err := os.Mkdir("proc", 0o555); err != nil {
		return nil, err
	}
	_ = unix.Mount("proc", "proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")

	if err := moveTo("."); err != nil {
		return nil, err
	}
	if err := os.Mkdir(newroot, 0o755); err != nil {
		return nil, err
	}
	if err := unix.Mount("tmpfs", newroot, "tmpfs", 0, "mode=0755"); err != nil {
		return nil, fmt.Errorf("mount the root's tmpfs: %w", err)
	}
	dir, err := os.Open("/")
	s.dir = dir
	return s, err
}

// borrow binds the host's node source to name, as the stage's node for the device as. source
// must be the device real. If the host lacks that node, the stage lacks it too.
func (s *stage) borrow(source, name string, real, as image.Device) {
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		return
	}
	if err := unix.Mount(source, name, "", unix.MS_BIND, ""); err != nil {
		return
	}
	if got, ok := charDevice(name); !ok || got != real {
		_ = unix.Unmount(name, unix.MNT_DETACH)
		return
	}
	s.nodes[as] = name
}

// borrowTerminal makes the terminal, if standard input is one, the console.
func (s *stage) borrowTerminal() {
	if _, err := unix.IoctlGetTermios(0, unix.TCGETS); err != nil {
		return
	}
	source, err := os.Readlink("/proc/self/fd/0")
	real, ok := charDevice("/proc/self/fd/0")
	if err == nil && ok {
		s.borrow(source, console.name, real, console.Device)
	}
}

// borrowSys binds the host's /sys to sys, with all that is mounted below it: a user
// can have neither alone. It is read-only from Linux 5.12 on, so that nothing of the
// host's changes by accident. Before that it is as the host has it.
func borrowSys() error {
	if err := os.Mkdir("sys", 0o555); err != nil {
		return err
	}
	if err := unix.Mount("/sys", "sys", "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	_ = unix.MountSetattr(unix.AT_FDCWD, "sys", unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
	return nil
}

func charDevice(name string) (image.Device, bool) {
	var st unix.Stat_t
	if err := unix.Stat(name, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFCHR {
		return image.Device{}, false
	}
	return number(unix.Major(uint64(st.Rdev)), unix.Minor(uint64(st.Rdev))), true
}

// moveTo makes a mount point this process's root and working directory, and unmounts
// the former root.
func moveTo(dir string) error {
	if err := os.Chdir(dir); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	// The former root is mounted over the working directory now.
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount the former root: %w", err)
	}
	return os.Chdir("/")
}

// enter changes to the new root. The stage stays mounted above it, where no path leads, not
// even with "..".
func (s *stage) enter() error {
	if err := unix.Chroot(newroot); err != nil {
		return fmt.Errorf("chroot to the new root: %w", err)
	}
	return os.Chdir("/")
}

// lend binds what the stage has as name to a path of the root. The working directory
// is the root's before and after, for what the kernel resolves itself.
func (s *stage) lend(name, to string) error {
	if err := s.dir.Chdir(); err != nil {
		return err
	}
	err := unix.Mount(name, to, "", unix.MS_BIND|unix.MS_REC, "")
	if err != nil {
		err = fmt.Errorf("bind the host's %s to %s: %w", name, path.Clean(to), err)
	}
	if back := os.Chdir("/"); back != nil {
		return back
	}
	return err
}

// leave makes the new root this process's only one. What the stage has lent stays.
func (s *stage) leave() error {
	defer s.dir.Close()
	if err := s.dir.Chdir(); err != nil {
		return err
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("leave the chroot: %w", err)
	}
	return moveTo(newroot)
}
