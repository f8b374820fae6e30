package source

import (
	"archive/tar"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// hostXattrs returns those extended attributes of a file of the host that are wanted, as
// far as the user may see them, and whether it has others. Its label is none of them: that
// is by the policy of another system.
func hostXattrs(path string, follow bool, wanted func(name string) bool) (xattrs plan.Xattrs, others bool, err error) {
	list, get := unix.Llistxattr, unix.Lgetxattr
	if follow {
		list, get = unix.Listxattr, unix.Getxattr
	}
	n, err := list(path, nil)
	if n == 0 && err == nil || err == unix.EOPNOTSUPP {
		return nil, false, nil
	}
	buf := make([]byte, 1<<16) // XATTR_LIST_MAX and XATTR_SIZE_MAX
	if err == nil {
		n, err = list(path, buf)
	}
	if err != nil {
		return nil, false, fmt.Errorf("list extended attributes: %w", err)
	}
	for _, name := range strings.Split(string(buf[:n]), "\x00") {
		if name == "" || name == "security.selinux" {
			continue
		}
		if !wanted(name) {
			others = true
			continue
		}
		n, err := get(path, name, buf)
		if err != nil {
			return nil, false, fmt.Errorf("read %s: %w", name, err)
		}
		xattrs = xattrs.With(plan.Xattrs{name: string(buf[:n])})
	}
	return xattrs, others, nil
}

// wants reports whether an attribute of the host's file is read: those of overlayfs say
// what the file is, the others are for who asks for them.
func (a *Attr) wants(name string) bool {
	return a.KeepXattrs || strings.Contains(name, ".overlay.")
}

// tarXattrs returns the extended attributes in a header, where star, GNU tar and
// libarchive have them.
func tarXattrs(h *tar.Header) plan.Xattrs {
	var xattrs plan.Xattrs
	for key, value := range h.PAXRecords {
		if name, ok := strings.CutPrefix(key, "SCHILY.xattr."); ok {
			xattrs = xattrs.With(plan.Xattrs{name: value})
		}
	}
	return xattrs
}
