//go:build linux

package main

import (
	"errors"
	"strconv"
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/unpack"
)

// restoreXattrs sets the extended attributes from the image's table. The kernel and its
// options decide what a file system accepts, so a refusal is an error only if the plan says
// so, or if it concerns a label and a policy is loaded. A missing path is always an error.
func (b *boot) restoreXattrs() error {
	if b.plan.Xattrs == "" {
		return nil
	}
	const table = "/" + bootplan.Xattrs
	const most = 3 // are told
	text, refused, unlabelled := "extended attributes not set:", 0, false
	fd, err := syscall.Open(table, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err == nil {
		err = bootplan.ReadXattrs(descriptor(fd), func(path, name, value string) error {
			err := unpack.SetXattr(b.newroot+path, name, value)
			if err == nil || err == syscall.ENOENT {
				return failure("find", path, err)
			}
			unlabelled = unlabelled || name == "security.selinux"
			if refused++; refused <= most {
				text += " " + name + " of " + path + ": " + err.Error() + ";"
			}
			return nil
		})
		syscall.Close(fd)
	}
	if err != nil {
		return hint(failure("read", table, err), damaged)
	}
	if refused == 0 {
		return nil
	}
	text = text[:len(text)-1]
	if refused > most {
		text += "; and " + strconv.Itoa(refused-most) + " more"
	}
	if b.plan.Xattrs == "required" {
		return hint(errors.New(text), "tmpfs takes security.* and trusted.*, with CONFIG_TMPFS_XATTR, and user.* from Linux 6.6 on; ramfs takes none; or set root.xattrs to auto")
	}
	if b.labelled && unlabelled {
		return hint(errors.New(text), "the policy would be enforced on files without their labels; with selinux=0 or security=none the kernel boots without")
	}
	b.warn(text)
	return nil
}
