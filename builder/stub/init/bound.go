//go:build linux

package main

import (
	"errors"
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

const notUnpacked = "the kernel says why in a line with \"Initramfs unpacking failed\": give the machine more memory, or compare the image's size and SHA-256 with the build report"

// checkRoot checks that a root of type bind is whole. A kernel that cannot unpack an image to
// its end says so in its log, and starts the stub all the same. Without free inodes it leaves
// out entries silently.
func (b *boot) checkRoot() error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs("/", &fs); err != nil {
		return failure("statfs", "/", err)
	}
	if segments := len(b.plan.Last); segments > 0 && !ended(segments-1) {
		open := 0
		for ended(open) {
			open++
		}
		advice := notUnpacked
		if fs.Blocks > 0 && fs.Bfree < 16 || fs.Files > 0 && fs.Ffree < 16 {
			advice = "rootfs is full: " + noRoom
		}
		return hint(findCut(b.plan.Last[open]), advice)
	}
	if less := b.lessThanPlanned(&fs); less != nil {
		// The kernel did not cut this: an earlier init may remove files, and an appended
		// archive may replace them by smaller ones.
		b.warn(less.Error() + ": something was removed or replaced after the kernel had unpacked it")
	}
	return nil
}

// ended reports whether the kernel has read the i-th segment of the root, and all before
// it, to the end.
func ended(i int) bool {
	var st syscall.Stat_t
	return syscall.Lstat("/"+bootplan.EndName(i), &st) == nil
}

// lessThanPlanned returns an error if rootfs is a tmpfs that holds less than the image brings.
// It may hold more: the kernel brings entries of its own, and boot loaders append archives. A
// ramfs counts nothing, and neither does a tmpfs without limits.
func (b *boot) lessThanPlanned(fs *syscall.Statfs_t) error {
	const ours = 4 // /init, and /.mkinitfs with plan and kmsg
	entries := b.plan.Entries + ours + int64(len(b.plan.Last))
	if have := int64(fs.Files - fs.Ffree); fs.Files > 0 && have < entries {
		return differs("rootfs has ", have, entries, " entries")
	}
	for i, size := range bootplan.PageSizes {
		have, want := int64(fs.Blocks-fs.Bfree), b.plan.Blocks[i]
		if size == int64(fs.Bsize) && fs.Blocks > 0 && have < want {
			return differs("rootfs has ", have, want, " pages")
		}
	}
	return nil
}

// findCut returns an error that names what the kernel has not unpacked: a file that is cut
// short, or else the last entry of the unfinished segment.
func findCut(last string) error {
	var st syscall.Stat_t
	if err := syscall.Lstat("/", &st); err != nil {
		return failure("stat", "/", err)
	}
	if short := findShort("", uint64(st.Dev)); short != "" {
		return errors.New("the kernel unpacked only a part of " + short)
	}
	if syscall.Lstat(last, &st) == nil {
		return errors.New("the kernel did not unpack all of the image: it ends at " + last)
	}
	return errors.New("the kernel did not unpack " + last)
}

// findShort returns the first file below path that has fewer blocks than its size needs, or ""
// if there is none. The kernel sets the size of a file before its content, and stores blocks
// of zeros as well.
func findShort(path string, dev uint64) string {
	names, _ := readDir(path + "/")
	for _, name := range names {
		p := path + "/" + name
		var st syscall.Stat_t
		switch err := syscall.Lstat(p, &st); {
		case err != nil || uint64(st.Dev) != dev:
		case kind(&st) == syscall.S_IFDIR:
			if short := findShort(p, dev); short != "" {
				return short
			}
		case kind(&st) == syscall.S_IFREG && int64(st.Blocks)*512 < st.Size:
			return p
		}
	}
	return ""
}
