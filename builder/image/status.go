//go:build linux

package image

import (
	"golang.org/x/sys/unix"
)

// directory is an open directory.
type directory struct {
	fd int
	status
	ours bool // nobody else can make, rename or remove a name in it
}

// status says who can change a file, and identifies it.
type status struct {
	id   fileID
	uid  uint32
	gid  uint32
	mode uint32
}

type fileID struct{ dev, ino uint64 }

func statusOf(info *unix.Stat_t) status {
	return status{fileID{uint64(info.Dev), info.Ino}, info.Uid, info.Gid, info.Mode}
}

func fstat(fd int) (status, error) {
	var info unix.Stat_t
	err := unix.Fstat(fd, &info)
	return statusOf(&info), err
}

// lstat is fstat of a name in a directory. It does not follow a link.
func lstat(dir int, name string) (status, error) {
	var info unix.Stat_t
	err := unix.Fstatat(dir, name, &info, unix.AT_SYMLINK_NOFOLLOW)
	return statusOf(&info), err
}

func (s status) is(kind uint32) bool { return s.mode&unix.S_IFMT == kind }

// belongsTo reports whether nobody but user (and root) can change the names in the
// directory s. Under an access control list the bits of the group are its mask.
func (s status) belongsTo(user uint32) bool {
	return s.uid == user && s.mode&(unix.S_IWGRP|unix.S_IWOTH) == 0
}

// putThere reports whether nobody but user or the owner of file can have put file into
// the directory s.
func (s status) putThere(file status, user uint32) bool {
	others := s.mode&(unix.S_IWGRP|unix.S_IWOTH) != 0 && s.mode&unix.S_ISVTX == 0
	return !others && (s.uid == user || s.uid == file.uid)
}
