// Package manifests reads the language that describes an image: YAML in, a [Manifest] out,
// with the place of every value that can turn out wrong later.
//
// Decoding works on yaml.Node values by hand, so that each problem is reported as
// file:line:col, and so that one run reports every problem of a file. A Manifest is complete:
// variables are expanded, included files are merged in, relative sources are joined with the
// directory they are relative to, modes and sizes are numbers. Of the disk this package only
// reads manifests; the builder looks at the sources.
package manifests

import (
	"fmt"
	"strconv"
	"time"
)

// noFile is the file name of a manifest that does not come from a file.
const noFile = "<manifest>"

// Pos is a place in a manifest file. Line and Col count from 1; Col is 0 where
// only the line is known.
type Pos struct {
	File      string
	Line, Col int
}

func (p Pos) String() string {
	if p == (Pos{}) {
		return noFile
	}
	if p.Col == 0 {
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Manifest is one decoded manifest, version 1. A program starts with [Default]. The builder
// calls [Manifest.Complete], which fills in empty values.
type Manifest struct {
	Pos         Pos
	Files       []string // that it was read from; none for standard input
	Included    []string // files that it includes
	Name        string
	Arch        string // "amd64", "arm/v7", ..., or [AutoArch]; "" is the machine that builds
	Compress    Compression
	Root        Root
	SELinux     *SELinux // nil: no labels
	Init        Init
	Accounts    *Accounts   // nil: the root's own
	Early       []EarlyFile // in the order of the image
	Boot        []Glob      // root paths that go into the boot segment
	Sysroot     string      // host path of the root that libraries are taken from; "" for none
	Contents    []Content
	Permissions []Permission
	Remove      []Glob
	Output      Output
	Lint        Lint
	Warnings    Errors // allowed values that are likely mistakes, in the order of their places
}

// Compression is a codec and its level, or a program that compresses.
type Compression struct {
	Pos     Pos
	Codec   string   // "gzip", "zstd", "xz", "lz4", "none"; "auto" (root.payload only)
	Level   int      // 0 is the codec's default
	Command []string // program and arguments; instead of Codec and Level
	Program string   // the path of that program with a slash, or a name to look up in PATH
}

// RootType is the kind of root that the booted machine has.
type RootType string

const (
	Tmpfs RootType = "tmpfs" // a tmpfs of its own, unpacked by the stub
	Bind  RootType = "bind"  // rootfs itself, bound onto itself by the stub
	None  RootType = "none"  // rootfs as the kernel leaves it, no stub
)

// Root describes the root file system.
type Root struct {
	Type    RootType
	Size    Size        // tmpfs size=
	Inodes  int64       // tmpfs nr_inodes=; 0 is auto
	Mode    *uint32     // of /
	ModeSet bool        // Mode is written in the manifest: a source with another one needs no warning
	Payload Compression // Codec "auto" unless given
	Extra   string      // "merge" (default), "drop", "error": entries on rootfs that are not the image's
	Xattrs  string      // "auto" (default), "required": whether the kernel must take the root's extended attributes
}

// Size is a tmpfs size: bytes, or a percentage of RAM; the zero value is auto.
type Size struct {
	Bytes   int64
	Percent int
}

// String returns the size as tmpfs takes it: "50%", a number of bytes, or "" for auto.
func (s Size) String() string {
	switch {
	case s.Percent > 0:
		return strconv.Itoa(s.Percent) + "%"
	case s.Bytes > 0:
		return strconv.FormatInt(s.Bytes, 10)
	}
	return ""
}

// SELinux says which policy labels the root.
type SELinux struct {
	Pos          Pos
	Type         string // the directory of /etc/selinux with the policy; "" is what /etc/selinux/config says
	FileContexts string // host path of the rules, joined with its directory; "" is the policy's own in the root
}

// Init describes what runs once the root stands.
type Init struct {
	Pos     Pos    // of the init mapping, else of the manifest
	Exec    string // absolute path in the root; "/sbin/init" unless given; "" under "init: none"
	ExecPos Pos    // of exec, else Pos
	Unasked bool   // Exec is only the default: the /init of a source of type cpio comes before it
	From    string // "oci": what is nil or empty here comes from a container's image; "" for nothing
	FromPos Pos
	Args    []string
	Env     []string     // NAME=value, sorted by name
	User    *Account     // that the program runs as; nil is root
	Groups  []Account    // supplementary; nil: those that the root's /etc/group gives the user
	Workdir Name         // directory that the program starts in; "" is /
	Mounts  []Mount      // nil: none, or those of From
	Modules []InitModule // in the order of the manifest
	OnError string       // "panic" (default), "reboot", "poweroff", "shell"
	Cmdline string       // "use" (default), "ignore"
	Rdinit  []Name       // further paths of the stub, for rdinit= on the kernel's command line

	Supervise *Supervise // nil: the stub becomes the program
}

// Supervise says how the stub stays the first process, around the program.
type Supervise struct {
	Pos          Pos
	OnExit       string // "restart" (default), "reboot", "poweroff", "panic"
	RestartDelay time.Duration
}

// Mount is a file system mounted before the real init runs. Presets such as
// dev or proc are expanded already.
type Mount struct {
	Pos                           Pos
	Type, Source, Target, Options string
}

// Account is a user, as NAME[:GROUP], or a group. Each word is an id, or a name in the root's own
// /etc/passwd or /etc/group.
type Account struct {
	Pos  Pos
	Name string
}

// Name is a path in the root.
type Name struct {
	Pos  Pos
	Path string // absolute and clean
}

// Glob is a pattern over paths, in doublestar's syntax.
type Glob struct {
	Pos      Pos
	Pattern  string
	Optional bool // matching nothing is not an error
}

// Layout is how the archives of an image are compressed.
type Layout string

const (
	Segments Layout = "segments" // each by itself, on all cores
	Stream   Layout = "stream"   // all in one stream
)

// Wrap is the file for a boot loader that an image is put into.
type Wrap string

const (
	NoWrap Wrap = "none"
	UImage Wrap = "uimage" // of U-Boot
)

// Output is how the image is written, and how large it may be; 0 is no bound.
type Output struct {
	Layout         Layout
	LayoutPos      Pos
	Wrap           Wrap
	WrapPos        Pos
	MaxSize        int64 // bytes of the image, and of the file for a boot loader around it
	MaxSizePos     Pos
	MaxUnpacked    int64 // bytes of the root's files
	MaxUnpackedPos Pos
}
