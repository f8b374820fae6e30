//go:build linux

package main

import (
	"errors"
	"io"
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
	return m.folder("", &st)
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

// folder handles a directory and its entries. It sets the time last, because every new entry
// changes it.
func (m *merger) folder(path string, st *syscall.Stat_t) error {
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
		if to, st, err = m.makeFolder(path, st); err != nil {
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
		return m.folder(path, &st)
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

// makeFolder returns the path of a directory in the new root, and the attributes for it: its
// own if it was there before, else those in st.
func (m *merger) makeFolder(path string, st *syscall.Stat_t) (string, *syscall.Stat_t, error) {
	if real, err := resolve(m.to, path); err == nil {
		var have syscall.Stat_t
		if err := syscall.Lstat(m.to+real, &have); err == nil && kind(&have) == syscall.S_IFDIR {
			return m.to + real, &have, nil
		}
	}
	to, err := m.place(path)
	if err != nil {
		return "", nil, err
	}
	return to, st, failure("mkdir", to, syscall.Mkdir(to, 0o700))
}

// move copies an entry other than a directory and unlinks it on rootfs, so that no
// file stands in memory twice.
func (m *merger) move(path string, st *syscall.Stat_t) error {
	to, err := m.place(path)
	if err != nil {
		return err
	}
	if first := m.links[uint64(st.Ino)]; first != "" {
		err = syscall.Link(first, to)
	} else {
		switch kind(st) {
		case syscall.S_IFREG:
			err = copyFile(m.from+path, to)
		case syscall.S_IFLNK:
			var target string
			if target, err = readlink(m.from + path); err == nil {
				err = syscall.Symlink(target, to)
			}
		default:
			err = syscall.Mknod(to, uint32(st.Mode), int(st.Rdev))
		}
		if err == nil {
			err = m.attributes(to, st)
		}
	}
	if err != nil {
		return failure("copy "+path+" to", to, err)
	}
	if st.Nlink > 1 {
		if m.links == nil {
			m.links = map[uint64]string{}
		}
		m.links[uint64(st.Ino)] = to
	}
	return failure("unlink", path, syscall.Unlink(m.from+path))
}

// place returns the path in the new root, and removes what stands there. A directory is
// removed only if it is empty.
func (m *merger) place(path string) (string, error) {
	cut := strings.LastIndexByte(path, '/')
	dir, err := resolveDir(m.to, path[:cut])
	if err != nil {
		return "", failure("mkdir", m.to+path[:cut], err)
	}
	to := m.to + dir + path[cut:]
	err = syscall.Unlink(to)
	if err == syscall.EISDIR {
		err = syscall.Rmdir(to)
	}
	if err == syscall.ENOENT {
		err = nil
	}
	return to, failure("replace", to, err)
}

func (m *merger) attributes(path string, st *syscall.Stat_t) error {
	if err := syscall.Lchown(path, int(st.Uid), int(st.Gid)); err != nil {
		return err
	}
	if kind(st) == syscall.S_IFLNK {
		return nil
	}
	if err := syscall.Chmod(path, uint32(st.Mode)&0o7777); err != nil {
		return err
	}
	return syscall.UtimesNano(path, []syscall.Timespec{st.Mtim, st.Mtim})
}

func copyFile(from, to string) error {
	in, err := syscall.Open(from, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(in)
	out, err := syscall.Open(to, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_EXCL|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	defer syscall.Close(out)
	buf := make([]byte, 64<<10)
	for {
		n, err := descriptor(in).Read(buf)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := descriptor(out).Write(buf[:n]); err != nil {
			return err
		}
	}
}
