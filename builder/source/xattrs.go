package source

import (
	"archive/tar"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/xattr"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// hostXattrs returns the wanted extended attributes of a file of the host, and the names of the
// others, as far as the user may see them. It leaves out the SELinux label, which follows the
// host's policy.
func hostXattrs(path string, follow bool, wanted func(name string) bool) (xattrs plan.Xattrs, others []string, err error) {
	list, get := unix.Llistxattr, unix.Lgetxattr
	if follow {
		list, get = unix.Listxattr, unix.Getxattr
	}
	n, err := list(path, nil)
	if n == 0 && err == nil || err == unix.EOPNOTSUPP {
		return nil, nil, nil
	}
	buf := make([]byte, 1<<16) // XATTR_LIST_MAX and XATTR_SIZE_MAX
	if err == nil {
		n, err = list(path, buf)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("list extended attributes: %w", err)
	}
	for _, name := range strings.Split(string(buf[:n]), "\x00") {
		if name == "" || name == xattr.SELinux {
			continue
		}
		if !wanted(name) {
			others = append(others, name)
			continue
		}
		n, err := get(path, name, buf)
		if err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", name, err)
		}
		xattrs = xattrs.With(plan.Xattrs{name: string(buf[:n])})
	}
	return xattrs, others, nil
}

// wants returns a function that reports whether an attribute of the host's file is read. If the
// item keeps attributes, all are read. Otherwise only those of overlayfs are, because they tell
// what the file is.
func wants(rule manifests.XattrRule) func(name string) bool {
	return func(name string) bool {
		return rule == manifests.XattrsKeep || strings.Contains(name, ".overlay.")
	}
}

// tarXattrs returns the extended attributes in a header, as star, GNU tar and libarchive write
// them. others are the names of attributes in other forms: ACLs as text, and labels.
func tarXattrs(h *tar.Header) (xattrs plan.Xattrs, others []string) {
	for key, value := range h.PAXRecords {
		if name, ok := strings.CutPrefix(key, "SCHILY.xattr."); ok {
			xattrs = xattrs.With(plan.Xattrs{name: value})
		} else if strings.HasPrefix(key, "SCHILY.acl.") || key == "RHT.security.selinux" {
			others = append(others, key)
		}
	}
	for key, value := range h.PAXRecords {
		escaped, ok := strings.CutPrefix(key, "LIBARCHIVE.xattr.")
		if !ok {
			continue
		}
		name, err := url.PathUnescape(escaped)
		data, err2 := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
		if err != nil || err2 != nil {
			others = append(others, key)
		} else if !has(xattrs, name) {
			xattrs = xattrs.With(plan.Xattrs{name: string(data)})
		}
	}
	return xattrs, others
}
