//go:build linux

package main

import (
	"strings"
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/unpack"
)

// copyOnce copies the files that the manifest's boot names into the new root, of which the
// members have none. They stay on rootfs until it is emptied, since drivers may ask for them.
func (b *boot) copyOnce() error {
	if len(b.plan.Once) > 0 && !ended(0) {
		return hint(findCut(b.plan.Once[len(b.plan.Once)-1].Path), notUnpacked)
	}
	m := &merger{to: b.newroot, links: map[uint64]string{}}
	for i := range b.plan.Once {
		o := &b.plan.Once[i]
		var st, dir syscall.Stat_t
		if err := syscall.Lstat(o.Path, &st); err != nil {
			return hint(failure("find", o.Path, err), notUnpacked)
		}
		if kind(&st) != syscall.S_IFREG {
			return failure("copy", o.Path, errNotFile)
		}
		// A file that a boot loader has appended in its place has another size.
		if int64(st.Blocks)*512 < st.Size || st.Size != o.Size && b.plan.Extra != "merge" {
			return hint(failure("copy", o.Path, differs("has ", st.Size, o.Size, " bytes")), notUnpacked)
		}
		parent := m.to + o.Path[:strings.LastIndexByte(o.Path, '/')+1]
		err := syscall.Lstat(parent, &dir)
		if err == nil {
			err = m.copyAs(o.Path, &st, o.MTime)
		}
		if err == nil {
			err = unpack.SetTime(parent, int64(dir.Mtim.Sec)) // the copy has changed it
		}
		if err != nil {
			return failure("copy", o.Path, err)
		}
	}
	b.entries += int64(len(b.plan.Once))
	return nil
}
