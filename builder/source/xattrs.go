package source

import (
	"archive/tar"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// keepXattrs adds to e what extended attributes the file at path has, if that was
// asked for; those asked for by name win.
func (a *Attr) keepXattrs(e *plan.Entry, path string, follow bool) error {
	if !a.KeepXattrs {
		return nil
	}
	kept, err := hostXattrs(path, follow)
	e.Xattrs = kept.With(a.Xattrs)
	return err
}

// hostXattrs returns the extended attributes of a file of the host as far as the
// user may see them, but for its label: that is by the policy of another system.
func hostXattrs(path string, follow bool) (plan.Xattrs, error) {
	list, get := unix.Llistxattr, unix.Lgetxattr
	if follow {
		list, get = unix.Listxattr, unix.Getxattr
	}
	buf := make([]byte, 1<<16) // XATTR_LIST_MAX and XATTR_SIZE_MAX
	n, err := list(path, buf)
	if err == unix.EOPNOTSUPP {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list extended attributes: %w", err)
	}
	var xattrs plan.Xattrs
	for name := range strings.SplitSeq(string(buf[:n]), "\x00") {
		if name == "" || name == "security.selinux" {
			continue
		}
		n, err := get(path, name, buf)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		xattrs = xattrs.With(plan.Xattrs{name: string(buf[:n])})
	}
	return xattrs, nil
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
