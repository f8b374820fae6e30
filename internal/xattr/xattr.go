// Package xattr knows which extended attributes Linux has: their name spaces, their
// limits, and the files that may have them.
package xattr

import (
	"slices"
	"strings"
)

// Names of attributes with a special treatment.
const (
	Capability = "security.capability" // see capabilities(7)
	SELinux    = "security.selinux"    // the label
	ACL        = "system.posix_acl_access"
	DefaultACL = "system.posix_acl_default"
)

// Limits in bytes, from include/uapi/linux/limits.h.
const (
	NameMax = 255      // XATTR_NAME_MAX
	SizeMax = 64 << 10 // XATTR_SIZE_MAX, of a value
)

const acls = "system.posix_acl_"

// Spaces returns the prefixes of the attributes that a file system in memory can store
// (xattr(7)). Of system.* these are the ACLs: file systems make up the rest.
func Spaces() []string { return []string{"user.", "trusted.", "security.", acls} }

// Storable reports whether a name is in one of the [Spaces], and more than that.
func Storable(name string) bool {
	return slices.ContainsFunc(Spaces(), func(space string) bool { return strings.HasPrefix(name, space) && len(name) > len(space) })
}

// Types of files, as in the mode of stat(2).
const (
	typeMask = 0o170000
	typeDir  = 0o040000
	typeFile = 0o100000
	typeLink = 0o120000
)

// Takes reports whether Linux has the attribute called name for files with a mode:
// xattr_permission in fs/xattr.c, cap_convert_nscap in security/commoncap.c.
func Takes(mode uint32, name string) bool {
	kind := mode & typeMask
	switch {
	case name == Capability:
		return kind == typeFile
	case strings.HasPrefix(name, "user."):
		return kind == typeFile || kind == typeDir
	case strings.HasPrefix(name, acls):
		return kind != typeLink
	}
	return true
}
