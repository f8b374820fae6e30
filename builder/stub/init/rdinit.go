//go:build linux

package main

import (
	"strings"
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/unpack"
)

// restoreRdinit removes the links through which rdinit= has found this stub, and the
// directories that were made for them. In a root of type bind the root's own entry comes back
// in their place. Entries that a boot loader has appended stay. The parent directory keeps its
// time.
func (b *boot) restoreRdinit() error {
	for i, r := range b.plan.Rdinit {
		var dir syscall.Stat_t
		parent := r.Place[:strings.LastIndexByte(r.Place, '/')+1]
		if err := syscall.Lstat(parent, &dir); err != nil {
			continue // nothing there to restore
		}
		own := "/" + bootplan.RdinitName(i)
		target, err := readlink(r.Place)
		switch {
		case err == syscall.EINVAL:
			syscall.Rmdir(r.Place) // unless something else is in it, or it is none
		case target == "/init":
			if err = syscall.Rename(own, r.Place); err == syscall.ENOENT {
				err = syscall.Unlink(r.Place)
			}
			if err != nil {
				return failure("restore", r.Place, err)
			}
		}
		syscall.Unlink(own) // what was appended takes its place
		b.attempt("set mtime of", parent, unpack.SetTime(parent, int64(dir.Mtim.Sec)))
	}
	return nil
}
