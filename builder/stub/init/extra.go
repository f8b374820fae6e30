//go:build linux

package main

import (
	"errors"
	"slices"
	"strings"
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// findExtras looks for entries on rootfs that are not ours: archives that a boot loader
// appended, /.extra of systemd-stub, an initramfs that is part of the kernel. The new root
// needs room for them.
func (b *boot) findExtras() error {
	m := &merger{dry: true, shared: b.plan.Extra == "merge", ours: map[string]bool{
		"/" + bootplan.Dir: true, "/init": true,
		"/dev/console": true, "/dev/null": true,
		"/kernel/x86/microcode": true, "/kernel/firmware/acpi": true, // for the kernel alone
	}}
	for _, path := range b.plan.Boot {
		m.ours[path] = true
	}
	for _, mount := range b.mounts {
		if onRootfs(mount.target) { // shows a part of rootfs that is looked at where it is
			m.ours[mount.target] = true
		}
	}
	if err := m.walk(); err != nil {
		return err
	}
	b.extras = m
	if b.plan.Extra == "error" && len(m.found) > 0 {
		return hint(errors.New("not from this image: "+m.list()),
			"take it out of what the boot loader appends, or set root.extra to merge or drop")
	}
	return nil
}

// takeExtras moves what findExtras found into the new root. A directory that already exists
// there keeps its owner, mode and time. Anything else replaces the entry at its path.
func (b *boot) takeExtras() error {
	m := b.extras
	if !m.shared {
		return nil
	}
	m.to = b.newroot
	if m.settle(); len(m.found) == 0 {
		return nil
	}
	b.log(levelInfo, "taken over from rootfs: "+m.list())
	return m.walk()
}

// removeCopy removes /initrd.image. A kernel with CONFIG_BLK_DEV_RAM that could not read an
// image to its end takes it for a RAM disk, and leaves a copy on rootfs.
func (b *boot) removeCopy() error {
	const path = "/initrd.image"
	if slices.Contains(b.plan.Boot, path) {
		return nil // it is the root's own
	}
	err := syscall.Unlink(path)
	if err == syscall.ENOENT {
		return nil
	}
	if err == nil {
		b.warn("removed " + path + ": the kernel could not read the image to its end, and kept a copy of it")
	}
	return failure("unlink", path, err)
}

// merger walks rootfs, without crossing into mounts. Paths are those of the root,
// which has "" for its top.
type merger struct {
	from   string // rootfs; "" for /
	to     string // the new root
	dev    uint64 // of rootfs
	ours   map[string]bool
	shared bool     // the image has directories of the root, and links to them, outside the members
	dry    bool     // only find
	maybe  []string // empty directories and symbolic links: the root's, or not ours
	found  []string // what is not ours
	bytes  int64    // in pages of what is not ours
	links  map[uint64]string
}

func (m *merger) walk() error {
	var st syscall.Stat_t
	if err := syscall.Lstat(m.from+"/", &st); err != nil {
		return failure("stat", m.from+"/", err)
	}
	m.dev = uint64(st.Dev)
	return m.directory("", &st)
}

// list names what was found.
func (m *merger) list() string {
	const most = 8
	text := strings.Join(m.found[:min(len(m.found), most)], " ")
	if len(m.found) > most {
		text += " ..."
	}
	return text
}

// directory handles a directory and its entries. It sets the time last, because every new entry
// changes it.
func (m *merger) directory(path string, st *syscall.Stat_t) error {
	names, err := readDir(m.from + path + "/")
	if err != nil {
		return failure("read", path+"/", err)
	}
	switch {
	case len(names) == 0 && (path == "/root" || path == "/dev"):
		return nil // usr/default_cpio_list, which the kernel comes with
	case len(names) == 0 && m.dry && m.shared:
		m.maybe = append(m.maybe, path)
	case len(names) == 0 && m.dry:
		m.found = append(m.found, path)
	case !m.dry && !m.holds(path):
		return nil
	case len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return !m.ours[path+"/"+name] }):
		return nil
	}
	to := ""
	if !m.dry {
		if to, st, err = m.makeDir(path, st); err != nil {
			return err
		}
	}
	for _, name := range names {
		if p := path + "/" + name; !m.ours[p] {
			if err := m.entry(p); err != nil {
				return err
			}
		}
	}
	if m.dry {
		return nil
	}
	return failure("set attributes of", to, m.attributes(to, st))
}

func (m *merger) entry(path string) error {
	var st syscall.Stat_t
	if err := syscall.Lstat(m.from+path, &st); err != nil {
		return failure("stat", path, err)
	}
	switch {
	case uint64(st.Dev) != m.dev: // a mount, which is moved into a directory like the one that it is in
		if dir := path[:strings.LastIndexByte(path, '/')]; m.dry && m.shared && dir != "" && !slices.Contains(m.maybe, dir) {
			m.maybe = append(m.maybe, dir)
		}
		return nil
	case kind(&st) == syscall.S_IFDIR:
		return m.directory(path, &st)
	}
	switch {
	case !m.dry && m.holds(path):
		return m.move(path, &st)
	case !m.dry:
	case m.shared && kind(&st) == syscall.S_IFLNK:
		m.maybe = append(m.maybe, path)
	default:
		page := int64(syscall.Getpagesize())
		m.bytes += (st.Size + page - 1) / page * page
		m.found = append(m.found, path)
	}
	return nil
}

// holds reports whether the path, or something below it, is to be moved.
func (m *merger) holds(path string) bool {
	return slices.ContainsFunc(m.found, func(found string) bool {
		return found == path || strings.HasPrefix(found, path+"/")
	})
}

// settle ends the search once the new root is complete: it compares with it the entries that
// may be the root's own.
func (m *merger) settle() {
	for _, path := range m.maybe {
		if !m.known(path) {
			m.found = append(m.found, path)
		}
	}
	m.dry, m.maybe = false, nil
}

// known reports whether the new root has the same link, or a directory, at path.
func (m *merger) known(path string) bool {
	if target, err := readlink(m.from + path); err == nil {
		have, err := readlink(m.to + path)
		return err == nil && have == target
	}
	real, err := resolve(m.to, path)
	var st syscall.Stat_t
	return err == nil && syscall.Lstat(m.to+real, &st) == nil && kind(&st) == syscall.S_IFDIR
}
