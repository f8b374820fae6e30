//go:build linux

package main

import (
	"errors"
	"strconv"
	"strings"
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// rootOptions are the options of the new root's tmpfs.
type rootOptions struct {
	size   string // "" is auto
	inodes string // "" is auto
	mode   uint32
	huge   string
}

// set takes one option of rootflags=.
func (o *rootOptions) set(option string, ram int64) bool {
	key, value, _ := strings.Cut(option, "=")
	switch key {
	case "size":
		if _, ok := parseSize(value, ram); !ok {
			return false
		}
		o.size = value
	case "nr_inodes":
		if _, ok := parseSize(value, 0); !ok {
			return false
		}
		o.inodes = value
	case "mode":
		n, ok := bootplan.ParseUint(value, 8)
		if !ok || n > 0o7777 {
			return false
		}
		o.mode = uint32(n)
	case "huge":
		o.huge = option
	default:
		return false
	}
	return true
}

// rootOptions decides how the root is mounted: rootflags= beats the plan, the plan beats auto.
// It fails if the root cannot fit.
func (b *boot) rootOptions(pageSize int64) (rootOptions, error) {
	o := rootOptions{size: b.plan.Size, mode: b.plan.Mode}
	if b.plan.Inodes > 0 {
		o.inodes = strconv.FormatInt(b.plan.Inodes, 10)
	}
	if flags := b.words.rootflags; b.words.vendor() {
		b.ignoreFlags("root= or rootfstype= speak of another root")
	} else if flags != "" {
		for _, option := range strings.Split(flags, ",") {
			if !o.set(option, b.memory.total) {
				b.warn("rootflags: " + option + " ignored: not an option of the root's tmpfs, or no value for it")
			}
		}
	}

	files := b.plan.Files(pageSize)
	if want := b.plan.Peak(pageSize, b.holes); b.memory.total > 0 && want > b.memory.available {
		return o, hint(errors.New("the root needs "+mib(roundUp(want))+" of RAM beside the image, "+mib(b.memory.available)+" can be had"),
			"give the machine more memory, or make the root smaller")
	}
	limit := b.memory.available + b.plan.Packed() // the members go while the files come
	entries := b.plan.Entries
	if b.plan.Extra == "merge" && b.extras != nil { // these only move, but need room
		files += b.extras.bytes
		limit += b.extras.bytes
		entries += int64(len(b.extras.found))
	}
	if o.size == "" {
		if n := autoSize(files, b.memory.total, limit); n > 0 {
			o.size = strconv.FormatInt(n, 10)
		}
	} else if n, ok := parseSize(o.size, b.memory.total); ok && 0 < n && n < files {
		return o, hint(errors.New("the root needs "+mib(roundUp(files))+", size="+o.size+" allows "+mib(n)),
			"raise root.size in the manifest or size= in rootflags=, or leave it out")
	}
	if o.inodes == "" {
		if n := autoInodes(entries, min(b.memory.total-b.memory.high, b.memory.total/2)/pageSize); n > 0 {
			o.inodes = strconv.FormatInt(n, 10)
		}
	} else if n, ok := parseSize(o.inodes, 0); ok && 0 < n && n < entries {
		return o, hint(errors.New("the root has "+strconv.FormatInt(entries, 10)+" entries, nr_inodes= allows "+o.inodes),
			"raise root.inodes in the manifest or nr_inodes= in rootflags=, or leave it out")
	}
	return o, nil
}

// ignoreFlags returns the reason why rootflags= are ignored, or "".
func (b *boot) ignoreFlags(why string) {
	if flags := b.words.rootflags; flags != "" {
		b.warn("rootflags=" + flags + " ignored: " + why)
	}
}

func (o rootOptions) modeOption() string { return "mode=0" + strconv.FormatUint(uint64(o.mode), 8) }

func (o rootOptions) String() string {
	s := o.modeOption()
	if o.size != "" {
		s += ",size=" + o.size
	}
	if o.inodes != "" {
		s += ",nr_inodes=" + o.inodes
	}
	if o.huge != "" {
		s += "," + o.huge
	}
	return s
}

// autoSize returns the size= that fits the files, with as much headroom as RAM allows. It
// returns 0 if the kernel's default of half the RAM fits them.
func autoSize(files, total, limit int64) int64 {
	n := max(files, min(files+files/8+4<<20, limit))
	if n <= total/2 {
		return 0
	}
	return n
}

// autoInodes returns the nr_inodes= that fits the entries with headroom. It returns 0 if the
// kernel's default fits them: one inode for two pages of RAM, not counting high memory
// (mm/shmem.c, shmem_default_max_inodes).
func autoInodes(entries, byDefault int64) int64 {
	want := entries + entries/8 + 256
	if want <= byDefault {
		return 0
	}
	return want
}

// parseSize reads a tmpfs size: bytes with k, m, g, or a percentage of total.
func parseSize(s string, total int64) (int64, bool) {
	if s == "" {
		return 0, false
	}
	number, unit := s[:len(s)-1], int64(0)
	switch s[len(s)-1] {
	case '%':
		unit = total / 100
	case 'k', 'K':
		unit = 1 << 10
	case 'm', 'M':
		unit = 1 << 20
	case 'g', 'G':
		unit = 1 << 30
	default:
		number, unit = s, 1
	}
	n, ok := bootplan.ParseUint(number, 10)
	return n * unit, ok && unit > 0 && n <= 1<<62/unit
}

const noRoom = "give the machine more memory, or put rootfstype=ramfs on the kernel's command line, which lifts the limit of half the RAM"

// checkRootfs checks that the kernel had room for the image. If rootfs is full it had none,
// and members are cut short.
func (b *boot) checkRootfs() error {
	const tmpfsMagic = 0x01021994
	var fs syscall.Statfs_t
	if err := syscall.Statfs("/", &fs); err != nil {
		return failure("statfs", "/", err)
	}
	b.holes = fs.Type == tmpfsMagic
	if !b.holes || fs.Blocks == 0 || fs.Bfree >= 16 {
		return nil
	}
	return hint(errors.New("rootfs is full with "+mib(int64(fs.Blocks)*int64(fs.Bsize))+": the kernel had no room for the whole image"), noRoom)
}

// mountRoot mounts the new root's tmpfs.
func (b *boot) mountRoot() error {
	const newroot = "/" + bootplan.Dir + "/newroot"
	options, err := b.rootOptions(int64(syscall.Getpagesize()))
	if err != nil {
		return err
	}
	if err := syscall.Mkdir(newroot, 0o700); err != nil {
		return failure("mkdir", newroot, err)
	}
	b.mode = options.mode
	text := options.String()
	err = syscall.Mount("tmpfs", newroot, "tmpfs", 0, text)
	if err == syscall.EINVAL && options.huge != "" {
		// The kernel is older than 4.7 or lacks CONFIG_TRANSPARENT_HUGEPAGE.
		b.warn("rootflags: " + options.huge + " ignored: the kernel does not take it")
		options.huge = ""
		text = options.String()
		err = syscall.Mount("tmpfs", newroot, "tmpfs", 0, text)
	}
	b.mounted = "tmpfs root (" + text + ")"
	if err == syscall.ENODEV || err == syscall.EINVAL {
		// A kernel without CONFIG_TMPFS has no tmpfs for user space.
		b.warn("mount tmpfs (" + text + "): " + err.Error() + "; the root becomes a ramfs, which has no size limit")
		b.mounted = "ramfs root"
		err = syscall.Mount("ramfs", newroot, "ramfs", 0, options.modeOption())
	}
	if err != nil {
		return failure("mount tmpfs on", newroot, err)
	}
	b.newroot = newroot
	return nil
}
