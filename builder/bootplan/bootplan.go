// Package bootplan reads and writes the boot plan, the file /.mkinitfs/plan of an image. The
// builder tells the stub in it what to do. The stub needs no YAML parser to read it.
//
// It is text, one "key value..." a line. The first line is "mkinitfs 1", the version of the
// format; a stub refuses a version that it does not know. Keys with one value may stand in any
// order; a repeated key (arg, env, group, mount, module, boot, once, rdinit, blocks, last, member) adds to a
// list. Unknown keys are refused, because every key changes the boot. A builder with a new key
// writes a new version. Spaces, control bytes and backslashes inside a value are written as
// three octal digits (\040), as in /proc/mounts; an empty value is \000, because no path or
// argument can hold that byte.
//
// The stub is linked with this package, so it stays clear of fmt.
package bootplan

import "strconv"

// Names of the files that mkinitfs adds to an image. They have no leading slash, as in cpio.
// The names of all members begin with MembersPrefix.
const (
	Dir           = ".mkinitfs"
	Path          = Dir + "/plan"
	MembersPrefix = Dir + "/root."
	Init          = Dir + "/init" // root type bind: the root's own /init
	Kmsg          = Dir + "/kmsg" // character device 1:11
)

// MemberName returns the name of the i-th member, counted from 0.
func MemberName(i int) string {
	s := strconv.Itoa(i)
	for len(s) < 4 {
		s = "0" + s
	}
	return MembersPrefix + s
}

// EndName returns the name of the directory that ends the i-th segment of a root of type bind.
// The kernel unpacks an image in order and makes no parents, and each of these directories is
// in the one before. So if this one exists, the kernel has read all segments up to it to their
// ends.
func EndName(i int) string {
	s := Dir
	for range i + 1 {
		s += "/end"
	}
	return s
}

// RdinitName returns the name to which the builder moves the root's own entry at the i-th place
// of [Plan.Rdinit].
func RdinitName(i int) string { return Dir + "/rdinit." + strconv.Itoa(i) }

// Plan tells the stub what to do.
type Plan struct {
	Root    string // "tmpfs" or "bind"
	Arch    string // as in the manifest
	Payload string // codec of the members
	Extra   string // "merge", "drop", "error"
	Xattrs  string // "auto", "required"; "" if there is no table of them
	SELinux string // path of a policy to load before the table is applied, or ""
	Size    string // tmpfs size=: bytes or N%; "" is auto
	Inodes  int64  // tmpfs nr_inodes=; 0 is auto
	Mode    uint32 // of /
	MTime   int64  // of /
	Exec    string
	Args    []string
	Env     []string
	User    *User    // that the program runs as; nil is root, as the kernel starts it
	Groups  []uint32 // supplementary, all of them; only with User
	Workdir string   // of the program; "" is /
	Mounts  []Mount
	Modules []Module // in the order in which they are loaded
	OnError string   // "panic", "reboot", "poweroff", "shell"
	Cmdline string   // "use", "ignore"
	OnExit  string   // what follows the program's end: "restart", "reboot", "poweroff", "panic"; "" is no supervision
	Delay   int64    // milliseconds before the first restart
	Boot    []string // root type tmpfs: paths on rootfs that belong to the image, beside those of every image
	Once    []Once   // files of Boot that no member has
	Rdinit  []Rdinit
	Entries int64                 // of the root
	Window  int64                 // bytes that a decoder holds for one member
	Blocks  [len(PageSizes)]int64 // pages of each of PageSizes that the root's files fill
	Last    []string              // root type bind: path of the last entry of each segment before its EndName
	Members []Member
}

// Mount is one of init.mounts.
type Mount struct{ Type, Source, Target, Options string }

// User is the identity of the program. init= on the command line is root without it.
type User struct {
	UID, GID uint32
	Home     string // HOME unless Env has one; "" for none
}

// Module is a kernel module that the stub loads.
type Module struct {
	Path     string // in the root
	Required bool   // the boot fails without it
}

// Once is a name of a file that the kernel unpacks to rootfs, where drivers may ask for it.
// The members have none of its names. The image ends with [EndName](0) in this case.
type Once struct {
	Path  string
	Size  int64
	MTime int64 // not every kernel sets it
}

// Rdinit is an entry of rootfs that serves only rdinit= on the kernel's command line: a link to
// the stub, or a directory for such a link. The stub replaces the i-th by [RdinitName](i) if
// that exists. Otherwise it removes the i-th.
type Rdinit struct {
	Name  string // as rdinit= has it; "" for a directory
	Place string // where Name leads through the root's links
}

// Member is one archive of the payload.
type Member struct {
	Packed   int64 // bytes in the image
	Unpacked int64 // bytes of the cpio archive inside
	SHA256   string
	CRC32    string // hexadecimal, of the packed bytes; "" if the codec has a check of its own
}

const version = "1"

// PageSizes are the page sizes that [Plan.Blocks] is counted for.
var PageSizes = [...]int64{4 << 10, 16 << 10, 64 << 10}
